"""The next release, in words of a patch: a profile field, a session status, a catalogue entry, a learner's form.

READS is a release as a rollout should be: it reads all four, and writes what the release before it writes. WRITES goes
on from it, and writes all four while the release before it still runs.
"""

from tests.releases.release import Edit

RL_CORE = "layers/rl_core/rl_core"
NEW = {
    "status": "suspended",
    "slug": "window-breathing-4",
    "name": "Breathing at the Window",
    "learner": "posterior/3",
    "pace": "gentle",
}
_ENTRY = """ "entries": [
  {
   "slug": "window-breathing-4",
   "name": "Breathing at the Window",
   "type": "meditation",
   "category": "mental",
   "duration_minutes": 4,
   "intensity": "Low",
   "description": "Four minutes of slow breaths at an open window.",
   "instructions": ["1. Open a window.", "2. Breathe in for 4.", "3. Breathe out for 6."],
   "tags": [],
   "segments": ["High Anxiety, Low Activity"],
   "retired": true
  },
"""
READS = (
    Edit(f"{RL_CORE}/models.py", "    sessions: int = 0\n", '    sessions: int = 0\n    pace: str = ""\n'),
    Edit(
        f"{RL_CORE}/store/items.py",
        '        Field("sessions", "sessions", WHOLE, "number of the latest session", 0),\n',
        '        Field("sessions", "sessions", WHOLE, "number of the latest session", 0),\n'
        '        Field("pace", "pace", TEXT, "how fast plans may grow", "", since=6),\n',
    ),
    Edit(f"{RL_CORE}/models.py", '    UNSEEN = "unseen"\n', '    UNSEEN = "unseen"\n    SUSPENDED = "suspended"\n'),
    Edit(f"{RL_CORE}/sessions/catalogue.json", ' "entries": [\n', _ENTRY),
    Edit(
        f"{RL_CORE}/learner/policy.py",
        "    POSTERIOR: Posterior,\n}",
        '    POSTERIOR: Posterior,\n    "posterior/3": type("Third", (Posterior,), {}),\n}',
    ),
)
WRITES = (
    *READS,
    Edit(f"{RL_CORE}/models.py", '    pace: str = ""\n', '    pace: str = "gentle"\n'),
    Edit(
        f"{RL_CORE}/store/items.py",
        "PROFILE_FORM = 6\n",
        "PROFILE_FORM = 7\n",
    ),
    Edit(
        f"{RL_CORE}/sessions/lifecycle.py",
        "replace(session, status=Status.UNSEEN, closed_at",
        "replace(session, status=Status.SUSPENDED, closed_at",
    ),
    Edit(
        f"{RL_CORE}/sessions/slate.py",
        "    return tuple(chosen.values())\n",
        '    first = next(e for e in entries if e.slug == "window-breathing-4")\n'
        "    return (first, *tuple(chosen.values())[1:])\n",
    ),
    Edit(
        f"{RL_CORE}/sessions/catalogue.json",
        '   "retired": true\n  },\n  {\n   "slug": "gentle-stretching-5"',
        '   "retired": false\n  },\n  {\n   "slug": "gentle-stretching-5"',
    ),
    Edit(f"{RL_CORE}/learner/policy.py", '"posterior": POSTERIOR}', '"posterior": "posterior/3"}'),
)
