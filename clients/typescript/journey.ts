// A user's first days through the generated types: profile, plan, completion, batch, history, stats, why, consent, scores,
// export, erasure.
// URL and TOKEN say where and who; whatever is not as described ends it with an error.

import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./build/fettle.js";

type Session = components["schemas"]["RecommendResponse"];

const { URL, TOKEN } = process.env;
assert(URL && TOKEN, "set URL and TOKEN");

const api = createClient<paths>({ baseUrl: URL, headers: { Authorization: `Bearer ${TOKEN}` } });

async function plan(): Promise<Session> {
  const { data, error } = await api.GET("/activity/recommended/");
  assert(data, JSON.stringify(error));
  return data;
}

// Nobody yet: a problem document, typed by its status.
const nobody = await api.GET("/profile/");
assert.equal(nobody.response.status, 404);
assert(nobody.error && "type" in nobody.error);
assert.equal(nobody.error.type, "profile-not-found");

const created = await api.PUT("/profile/", {
  body: { gad7_score: 16, active_minutes_per_week: 30, timezone: "Europe/Berlin", avoid: ["floor"] },
});
assert.equal(created.data?.segment, "High Anxiety, Low Activity");

const first = await plan();
assert(first.activities.length >= 5 && first.activities.length <= 7);
assert.equal((await plan()).session_id, first.session_id, "an open session comes back");

const [one, two] = first.activities;
assert(one && two);
const completed = await api.POST("/activity/{id}/complete/", {
  params: { path: { id: one.id } },
  body: { completed: true, motivation_before: 2, motivation_after: 4, difficulty_rating: 3, notes: "Felt great" },
});
assert.equal(completed.data?.activity.activity_name, one.name);
assert.equal(completed.data.stats.total_completed_today, 1);

const batch = await api.POST("/activity/feedback-batch/", {
  body: { activities: [{ activity_id: two.id, completed: true }], overall_session_rating: 4 },
});
assert.equal(batch.data?.training_metrics.learning, "applied");
assert.equal(batch.data.training_metrics.policy_version, 1);

const late = await api.POST("/activity/{id}/complete/", { params: { path: { id: one.id } }, body: { completed: false } });
assert.equal(late.response.status, 409);
assert(late.error && "type" in late.error);
assert.equal(late.error.type, "session-closed");

const second = await plan();
assert.equal(second.session_id, first.session_id + 1);
assert.notEqual(second.rl_action_id, first.rl_action_id, "the next plan is another one");

const newest = await api.GET("/activity/history/", { params: { query: { limit: 1 } } });
assert.equal(newest.data?.sessions[0]?.session_id, second.session_id);
assert(newest.data.next_token);
const older = await api.GET("/activity/history/", {
  params: { query: { limit: 1, next_token: newest.data.next_token } },
});
assert.equal(older.data?.sessions[0]?.status, "learned");
assert.equal(older.data.sessions[0].activities.filter((activity) => activity.completed).length, 2);

const stats = await api.GET("/stats/");
assert.equal(stats.data?.totals.completed, 2);
assert.equal(stats.data.daily.at(-1)?.completed, 2, "today is the last day");

// A pause: until it ends, or is ended, no plan is given, and the refusal says until when.
const until = new Date(Math.ceil(Date.now() / 1000) * 1000 + 3_600_000).toISOString();
const paused = await api.PUT("/pause/", { body: { until } });
assert.equal(Date.parse(paused.data?.until ?? ""), Date.parse(until));
const later = await api.GET("/activity/recommended/");
assert.equal(later.response.status, 409);
assert(later.error && "until" in later.error && later.error.until);
assert.equal(Date.parse(String(later.error.until)), Date.parse(until));
assert.equal((await api.DELETE("/pause/")).response.status, 204);
assert.equal((await api.GET("/pause/")).data?.until, null);

// Why this plan? The draw's probabilities, what was known of each kind of plan, and one sentence for people.
const told = await api.GET("/explanation/{session_id}/", {
  params: { path: { session_id: first.session_id }, header: { "accept-language": "de-AT, en;q=0.5" } },
});
assert(told.data, JSON.stringify(told.error));
assert.equal(told.data.rl_action_id, first.rl_action_id);
assert(told.data.exact && told.data.because === null);
assert.equal(told.data.drawn, "even", "nothing was known yet");
assert(told.data.sentence.split(" ").length <= 20);
assert.equal(told.response.headers.get("content-language"), told.data.language);
assert.equal(told.data.policy_version, 1);

// Consent: who said nothing has what the service assumes; whoever withdraws is not learned from any more.
const text = "privacy-3";
const assumed = await api.GET("/consent/");
assert.deepEqual(assumed.data?.learn, { granted: true, since: null, text_version: null });

const early = await api.PUT("/consent/", { body: { unlearn: true, text_version: text } });
assert.equal(early.response.status, 422, "what stands cannot be taken back");
assert(early.error && "type" in early.error);
assert.equal(early.error.type, "invalid-request");

const withdrawn = await api.PUT("/consent/", { body: { learn: false, text_version: text } });
assert.equal(withdrawn.data?.learn.granted, false);
assert.equal(withdrawn.data.learn.text_version, text);
assert.equal(withdrawn.data.unlearning, "none");
const unheeded = await api.POST("/activity/feedback-batch/", {
  body: { activities: [{ activity_id: second.activities[0]!.id, completed: true }] },
});
assert.equal(unheeded.data?.training_metrics.learning, "none");
assert.equal(unheeded.data.training_metrics.why, "consent");

const unlearn = await api.PUT("/consent/", { body: { unlearn: true, text_version: text } });
assert.equal(unlearn.data?.unlearning, "pending", "a job takes back what was learned");

assert.equal((await api.PUT("/consent/", { body: { learn: true, text_version: text } })).data?.learn.granted, true);
const said = await api.GET("/consent/");
assert.deepEqual(said.data?.history.map(({ learn, unlearn }) => [learn, unlearn]), [
  [true, false],
  [null, true],
  [false, false],
]);

// Of a user's day two sessions are learned from, here the first and the third, and twelve are issued.
const why: (string | null | undefined)[] = [];
for (let open = await plan(); ; ) {
  const ended = await api.POST("/activity/feedback-batch/", {
    body: { activities: [{ activity_id: open.activities[0]!.id, completed: true }] },
  });
  why.push(ended.data?.training_metrics.why);
  const { data, response, error } = await api.GET("/activity/recommended/");
  if (data) {
    open = data;
    continue;
  }
  assert.equal(response.status, 429);
  assert(error && "type" in error);
  assert.equal(error.type, "too-many-sessions");
  assert(Number(response.headers.get("retry-after")) >= 1);
  break;
}
assert.deepEqual(why, [null, ...Array(9).fill("over-weight")]);

// Scores: those of the first profile were kept; others of the same day take their place.
const scores = { gad7_score: 15, active_minutes_per_week: 30 };
assert.equal((await api.PUT("/profile/", { body: scores })).response.status, 200);
const given = await api.GET("/assessments/", { params: { query: { limit: 5 } } });
assert.deepEqual(given.data?.assessments.map(({ gad7_score }) => gad7_score), [15]);
const course = await api.GET("/stats/", { params: { query: { days: 7 } } });
assert.equal(course.data?.assessments.gad7_score, null, "there are scores of one day only");

// All that is held can be taken along, page by page.
const sessions: number[] = [];
for (let token: string | null | undefined; token !== null; ) {
  const query = token === undefined ? {} : { next_token: token };
  const page = await api.GET("/export/", { params: { query } });
  assert(page.data);
  assert.equal(page.data.format, "fettle.export/1");
  assert.deepEqual(page.data.unreadable, []);
  assert.equal(page.data.profile === null, token !== undefined, "the first page has the profile");
  sessions.push(...page.data.sessions.map(({ session_id }) => session_id));
  token = page.data.next_token;
}
assert.deepEqual(sessions, Array.from({ length: 12 }, (_, n) => n + 1));
const foreign = await api.GET("/export/", { params: { query: { next_token: "12" } } });
assert.equal(foreign.response.status, 422);

assert.equal((await api.DELETE("/profile/")).response.status, 204);
assert.equal((await api.GET("/profile/")).response.status, 404);

const stranger = createClient<paths>({ baseUrl: URL });
assert.equal((await stranger.GET("/profile/")).response.status, 401);

console.log("the journey is complete");
