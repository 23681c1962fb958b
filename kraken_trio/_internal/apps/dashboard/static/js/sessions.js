// Each session of the feed: where it stands, since when, and what it went through.

import { byId, keyed, make, mark, put } from "./dom.js";
import { clock, count, duration, since, size, words } from "./format.js";
import { kindOf } from "./machine.js";

const SHAPES = { good: "●", busy: "◐", bad: "■" };
const FACTS = [
  ["Round trip", (session) => duration(session.rtt_ms)],
  ["Connections", (session) => count(session.connections)],
  ["Reconnects", (session) => count(session.reconnects)],
  ["Attempts", (session) => count(session.attempts)],
  ["Frames", (session) => count(session.frames)],
  ["Received", (session) => size(session.bytes)],
];

function card() {
  const name = make("h3");
  const state = make("span", { class: "chip" });
  const held = make("span", { class: "held" });
  const url = make("p", { class: "url" });
  const values = FACTS.map(([label]) => [label, make("dd", {}, "–")]);
  const facts = make("dl", {}, ...values.map(([label, value]) => make("div", {}, make("dt", {}, label), value)));
  return {
    node: make("article", { class: "session" }, make("header", {}, name, state, held), url, facts),
    update(session) {
      const kind = kindOf(session.state);
      put(name, session.name);
      put(state, `${SHAPES[kind]} ${words(session.state)}`);
      mark(state, "data-kind", kind);
      mark(state, "data-state", words(session.state));
      put(held, session.since == null ? "" : `for ${since(session.since, Date.now())}, since ${clock(session.since)} UTC`);
      put(url, session.url);
      FACTS.forEach(([, text], index) => put(values[index][1], text(session)));
    },
  };
}

export function sessions({ model, painter }) {
  const show = keyed(card);
  const holder = byId("session-list");
  const none = make("p", { class: "empty" }, "No session yet.");
  painter.on(["sessions", "tick"], () => {
    show(holder, model.sessions, (session) => session.name);
    if (model.sessions.length === 0) holder.append(none);
  });
}
