"""Writes the demo's report: one HTML file that needs nothing else, plots included.

The plots are SVG in data URIs: no request leaves the page, and the identifiers of two plots cannot collide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template

from lab.demo.consent import Tally, recounted, what_was_said
from lab.demo.daily import DayRow, table_rows
from lab.demo.plots import SHORT, day_chart, heat_map, image_tag, learning_curve, plans_of
from lab.demo.portrait import Portrait, portrait, told
from lab.demo.results import Learned, SegmentRow, Served, compare, first_quarter, last_quarter, table, verdict

PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Fettle demo: what the service learned</title>
<style>
:root { color-scheme: light; --ink: #1d2733; --quiet: #5b6777; --line: #dfe4ea; --good: #1b7f5c; --off: #a6611a; }
* { box-sizing: border-box; }
body { margin: 0; background: #fff; color: var(--ink); font: 16px/1.55 system-ui, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .6rem; }
h2 { font-size: 1.25rem; margin: 2.6rem 0 .5rem; }
p { max-width: 46rem; margin: .5rem 0; }
.lede { font-size: 1.08rem; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem; margin: 1.5rem 0 0;
  padding: 0; list-style: none; }
.facts li { border: 1px solid var(--line); border-radius: .5rem; padding: .7rem .9rem; color: var(--quiet);
  font-size: .88rem; }
.facts b { display: block; color: var(--ink); font-size: 1.35rem; line-height: 1.25;
  font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; }
.wide img { display: block; width: 100%; min-width: 660px; height: auto; }
table { border-collapse: collapse; width: 100%; min-width: 860px; font-size: .9rem; }
th, td { text-align: right; padding: .42rem .55rem; border-bottom: 1px solid var(--line);
  font-variant-numeric: tabular-nums; white-space: nowrap; }
th { font-weight: 600; color: var(--quiet); vertical-align: bottom; border-bottom-color: var(--quiet); }
th:first-child, td:first-child, .text { text-align: left; }
.yes { color: var(--good); font-weight: 600; } .no { color: var(--off); font-weight: 600; }
figcaption, .note { color: var(--quiet); font-size: .93rem; max-width: 46rem; }
figure { margin: 1rem 0 0; }
dt { font-weight: 600; margin-top: .7rem; } dd { margin: 0; max-width: 46rem; }
</style>
</head>
<body>
<main>
<h1>What the service learned from simulated people</h1>
<p class="lede">$verdict</p>
<ul class="facts">$facts</ul>

<h2>Segment by segment</h2>
<div class="wide"><table>
<thead><tr><th>Segment</th><th>Sessions</th><th>Completion</th><th>Reward,<br>first quarter</th>
<th>Reward,<br>last quarter</th><th>Tries,<br>last quarter</th>
<th class="text">Favourite action</th><th class="text">Truly<br>best?</th></tr></thead>
<tbody>$rows</tbody>
</table></div>
<p class="note">$table_note</p>

<h2>Learning curve</h2>
<figure><div class="wide">$curve</div><figcaption>$curve_note</figcaption></figure>

<h2>What was learned</h2>
<figure><div class="wide">$heat</div><figcaption>$heat_note</figcaption></figure>

<h2>One person</h2>
<p>$person_intro</p>
<figure><div class="wide">$person</div><figcaption>$person_note</figcaption></figure>

<h2>Day by day</h2>
<figure><div class="wide">$days</div><figcaption>From the daily job's items. The band and the intervals are 95 %. The
first days have few people, and the last days those who stayed; days of fewer than five are left out. Each person's day
is that of their time zone.
</figcaption></figure>
<details><summary>The figures</summary><div class="wide"><table>
<thead><tr><th>Day</th><th>Active</th><th>New</th><th>Gone</th><th>Sessions</th><th>Done (95 %)</th><th>n</th>
<th>Reward (95 %)</th><th>n</th></tr></thead>
<tbody>$day_rows</tbody>
</table></div></details>

<h2>Steering</h2>
<p>$steering</p>

<h2>Consent</h2>
<p>$consent</p>
<p class="note">$consent_note</p>

<h2>How to read this</h2>
<dl>
<dt>The people</dt><dd>Everyone is simulated. Their tastes are set in the demo and hidden from the service, which sees
only what a mobile client would send: a profile and feedback on activities. The people of a segment have much in common,
each differs from it, and a plan that was had lately is liked less until it has rested.</dd>
<dt>Random and best possible</dt><dd>Both were computed, not run, on the same visits that took place: the mean expected
reward of a uniform draw over the eligible actions, and that of the action that is best for this person on this visit,
one session ahead, both after what the service had served before. The action of a user's previous session is not
eligible, so even the best possible cannot always serve the best action. The more often the service serves what people
like, the more often it is barred next, and the more it wears off; that is why the best possible comes down.</dd>
<dt>Favourite action</dt><dd>The action with the largest learned Q for somebody who is new, averaged over the nine
states by their visits. New means that nothing is known of the person, who had nothing lately.</dd>
<dt>Truly best</dt><dd>The action with the largest hidden expected reward over the segment's visits, had nothing been
had lately, and as if there were no cool-down.</dd>
<dt>Active, new, gone</dt><dd>Active: was shown a session or answered an activity that day. New: active for the first
time. Gone: last active exactly seven days before.</dd>
<dt>Consent</dt><dd>The demo keeps a log of what each person did and when, and works out from the log alone which
sessions may be learned from. The sessions and version records in the table must say the same, or the demo fails.
Sessions from which nothing is learned, and evenly drawn ones, are in all figures above but Q and its visits.</dd>
<dt>Left out</dt><dd>Sessions that were only prefetched, which nobody saw, and those that expired unanswered while their
person paused: nothing was learned from them.</dd>
</dl>
</main>
</body>
</html>
""")


def page(
    policies: Sequence[Learned],
    sessions: Sequence[Served],
    facts: Mapping[str, str],
    days: Sequence[DayRow],
    said: Tally,
    steered: str,
) -> str:
    """Returns the report as HTML; `sessions` are in order of issue, `facts` are label -> figure."""
    rows = table(policies, sessions)
    person = portrait(rows, sessions)
    return PAGE.substitute(
        verdict=escape(verdict(rows, sessions)),
        facts="".join(f"<li><b>{escape(figure)}</b>{escape(label)}</li>" for label, figure in facts.items()),
        rows="\n".join(map(_row, rows)),
        table_note=escape(_table_note(rows)),
        curve=image_tag(learning_curve(sessions), "Mean reward by session: best possible, served, random"),
        curve_note=escape(_curve_note(sessions)),
        heat=image_tag(heat_map(policies, rows), "Learned Q by state and action, one panel for each segment"),
        heat_note=escape(_heat_note(policies)),
        person_intro=escape(_person_intro(person)),
        person=image_tag(
            plans_of(person), f"Plans given to {person.user}, and how much each was liked, session by session"
        ),
        person_note=escape(told(person, sessions)),
        days=image_tag(day_chart(days), "Active users and share of activities done, day by day"),
        day_rows=table_rows(days),
        steering=escape(steered),
        consent=escape(what_was_said(said)),
        consent_note=escape(recounted(said)),
    )


def write(
    path: Path,
    policies: Sequence[Learned],
    sessions: Sequence[Served],
    facts: Mapping[str, str],
    days: Sequence[DayRow],
    said: Tally,
    steered: str,
) -> None:
    """Writes the report, and makes its folder if it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(policies, sessions, facts, days, said, steered), encoding="utf-8")


def _row(row: SegmentRow) -> str:
    best = '<span class="yes">yes</span>' if row.found else f'<span class="no">no: {SHORT[row.truly_best]}</span>'
    figures = (f"{row.sessions}", f"{row.completion_rate:.0%}", f"{row.reward_first:.3f}", f"{row.reward_last:.3f}")
    cells = "".join(f"<td>{figure}</td>" for figure in (*figures, f"{row.tries:.0%}"))
    text = f'<td class="text">{SHORT[row.favourite]}</td><td class="text">{best}</td>'
    return f"<tr><td>{escape(row.segment)}</td>{cells}{text}</tr>"


def _table_note(rows: Sequence[SegmentRow]) -> str:
    risen = sum(row.reward_last > row.reward_first for row in rows)
    return (
        f"The mean recorded reward rose from the first to the last quarter in {risen} of {len(rows)} segments. It "
        "rises less than what is learned, since people like a plan less that they often have: see the curve below."
    )


def _curve_note(sessions: Sequence[Served]) -> str:
    early, late = compare(first_quarter(sessions)), compare(last_quarter(sessions))
    return (
        f"Look at the gap between the blue line and the green one: the served plans took {early.share:.0%} of the gain "
        f"that was possible over random in the first quarter of the sessions and {late.share:.0%} in the last."
    )


def _heat_note(policies: Sequence[Learned]) -> str:
    blank = sum(count == 0 for policy in policies for row in policy.visits for count in row)
    total = sum(len(row) for policy in policies for row in policy.visits)
    return (
        "In each row the brightest cell should stand under the green star, which marks the truly best action; the blue "
        f"triangle marks the favourite. The figures are visits: {blank} of {total} cells were never visited and stay "
        "blank. Rows differ because good sessions follow a good state. Q is that of somebody who is new."
    )


def _person_intro(person: Portrait) -> str:
    user, own, common = person.user, SHORT[person.own_best], SHORT[person.segments_best]
    if person.own_best == person.segments_best:
        return f"{user} likes {own} best of all actions, and so does the segment; all with many sessions agree."
    return (
        f"{user} likes {own} best of all actions, the segment {common}. Of the people with many sessions, this is the "
        "one who would lose most if given the segment's best; how it went had no part in the choice. The brighter a "
        "cell, the better the plan was liked that day. A plan that was had lately is liked less for some sessions."
    )
