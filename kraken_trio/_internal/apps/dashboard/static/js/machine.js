// The states of a session as a picture, and where each session stands in it.
//
// The states and their arrows come from the server. Where the well-known ones stand is written here;
// any other is put below them.

import { byId, draw, mark } from "./dom.js";
import { words } from "./format.js";

const PLACES = {
  disconnected: [66, 26],
  connecting: [212, 26],
  authenticating: [358, 26],
  closed: [66, 126],
  degraded: [212, 126],
  subscribing: [358, 92],
  subscribed: [358, 158],
  resyncing: [358, 224],
};
const WIDTH = 424;
const HEIGHT = 250;
const [HALF, TALL] = [58, 15];
const GOOD = new Set(["subscribed"]);
const BAD = new Set(["degraded", "closed"]);
const PASSED_MS = 2500;

const key = (name) => String(name).toLowerCase();

/** Where a line from the middle of a box to a point leaves the box. */
function border([x, y], [toX, toY], room) {
  const [dx, dy] = [toX - x, toY - y];
  const part = Math.min((HALF + room) / Math.abs(dx || 1e-9), (TALL + room) / Math.abs(dy || 1e-9));
  return [x + dx * part, y + dy * part];
}

function arrow(from, to, places, both) {
  const [start, end] = [places.get(from), places.get(to)];
  // Arrows to "closed" bend below the middle, where there is room; of a pair, each keeps aside.
  const far = Math.abs(start[0] - end[0]) > 200;
  const middle = [(start[0] + end[0]) / 2, (start[1] + end[1]) / 2];
  const [dx, dy] = [end[0] - start[0], end[1] - start[1]];
  const length = Math.hypot(dx, dy);
  const bend = both ? 9 : 0;
  const control = far
    ? [middle[0], from === "authenticating" ? 76 : 118 + (start[1] - 26) * 0.62]
    : [middle[0] - (dy / length) * bend * 2, middle[1] + (dx / length) * bend * 2];
  const aside = ([x, y]) => [x - (dy / length) * bend, y + (dx / length) * bend];
  const [a, b] = [border(aside(start), control, 0), border(aside(end), control, 4)];
  const text = (point) => point.map((value) => value.toFixed(1)).join(" ");
  return `M${text(a)}Q${text(control)} ${text(b)}`;
}

function picture({ states, edges }) {
  const places = new Map();
  states.map(key).forEach((name) => {
    const more = places.size - Object.keys(PLACES).length;
    places.set(name, PLACES[name] ?? [66 + 146 * (Math.max(0, more) % 3), HEIGHT + 20 + 40 * Math.floor(Math.max(0, more) / 3)]);
  });
  const tall = Math.max(HEIGHT, ...[...places.values()].map(([, y]) => y + 26));
  const triggers = new Map();
  for (const [from, trigger, to] of edges) {
    if (from === to || !places.has(key(from)) || !places.has(key(to))) continue;
    const name = `${key(from)} ${key(to)}`;
    triggers.set(name, [...(triggers.get(name) ?? []), words(trigger)]);
  }
  const arrows = new Map();
  for (const [name, causes] of triggers) {
    const [from, to] = name.split(" ");
    const both = triggers.has(`${to} ${from}`);
    const path = draw(
      "path",
      { d: arrow(from, to, places, both), class: to === "closed" ? "edge faint" : "edge", "marker-end": "url(#tip)" },
      draw("title", {}, `${words(from)} to ${words(to)}: ${causes.join(", ")}`),
    );
    arrows.set(name, path);
  }
  const nodes = new Map();
  for (const [name, [x, y]] of places) {
    const label = draw("text", { x, y: y + 4, "text-anchor": "middle" }, words(name));
    const box = draw("rect", { x: x - HALF, y: y - TALL, width: 2 * HALF, height: 2 * TALL, rx: 6 });
    nodes.set(name, draw("g", { class: "node", "data-state": name }, box, label));
  }
  const tip = draw(
    "marker",
    { id: "tip", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto-start-reverse", markerUnits: "userSpaceOnUse" },
    draw("path", { d: "M0 0.5L8 4L0 7.5Z", class: "tip" }),
  );
  const node = draw(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${tall}`, role: "img" },
    draw("defs", {}, tip),
    ...arrows.values(),
    ...nodes.values(),
  );
  return { node, nodes, arrows };
}

export function machine({ model, painter }) {
  const holder = byId("machine");
  let drawn = null;
  let shown = null;
  const stood = new Map();

  painter.on(["machine", "sessions", "tick"], () => {
    if (model.machine === null) return;
    if (drawn !== model.machine) {
      drawn = model.machine;
      shown = picture(drawn);
      holder.replaceChildren(shown.node);
    }
    const lit = new Map();
    for (const session of model.sessions) {
      const state = key(session.state);
      lit.set(state, [...(lit.get(state) ?? []), session.name]);
      const before = stood.get(session.name);
      if (before !== undefined && before !== state) pass(shown.arrows.get(`${before} ${state}`));
      stood.set(session.name, state);
    }
    for (const [name, node] of shown.nodes) {
      mark(node, "data-lit", lit.has(name) ? (GOOD.has(name) ? "good" : BAD.has(name) ? "bad" : "busy") : null);
    }
    mark(
      shown.node,
      "aria-label",
      `States of a session. ${model.sessions.map((session) => `${session.name} is ${words(session.state)}`).join("; ") || "There is no session"}.`,
    );
  });

  function pass(path) {
    if (path === undefined) return;
    mark(path, "data-passed", "");
    setTimeout(() => mark(path, "data-passed", null), PASSED_MS);
  }
}

/** The kind of a state, for its colour and its shape. */
export function kindOf(state) {
  const name = key(state);
  return GOOD.has(name) ? "good" : BAD.has(name) ? "bad" : "busy";
}
