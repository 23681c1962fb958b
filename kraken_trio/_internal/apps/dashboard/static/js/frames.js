// The frames as they went over the wire: watched only while asked for.

import { byId, make, mark, put } from "./dom.js";
import { clock, count, rate, size } from "./format.js";

const ROWS = 120;

function row(frame) {
  const sign = frame.direction === "out" ? "↑ out" : "↓ in";
  return make(
    "details",
    { "data-n": frame.n, class: frame.direction },
    make(
      "summary",
      {},
      make("span", { class: "when" }, clock(frame.time, true)),
      make("span", { class: "way" }, sign),
      make("span", { class: "bytes" }, size(frame.bytes)),
      make("code", {}, frame.text.slice(0, 160)),
    ),
    make("pre", {}, frame.cut ? `${frame.text}…` : frame.text),
    make("p", { class: "note" }, `session ${frame.session}, number ${count(frame.n)}, ${count(frame.bytes)} bytes${frame.cut ? ", cut here" : ""}`),
  );
}

export function frames({ model, painter, send, wishes }) {
  const [on, pause, clear] = ["frames-on", "frames-pause", "frames-clear"].map(byId);
  const [session, channel, text] = ["frames-session", "frames-channel", "frames-text"].map(byId);
  const list = byId("frame-list");
  let watched = false;
  let paused = false;
  let seen = -Infinity; // The number of the newest row.
  let shown = 0; // The wish that the rows are for.

  const filled = (field) => field.value.trim() || null;

  function ask() {
    const filter = { session: filled(session), channel: filled(channel), text: filled(text) };
    wishes.frames = watched ? { type: "frames", on: true, filter } : null;
    send({ type: "frames", on: watched, filter }).catch(() => undefined); // It is said again when connected.
  }

  function hold(next) {
    paused = next;
    mark(pause, "aria-pressed", paused);
    put(pause, paused ? "Go on" : "Pause");
    painter.changed("frames");
  }

  on.addEventListener("click", () => {
    watched = !watched;
    mark(on, "aria-pressed", watched);
    put(on, watched ? "Stop" : "Watch");
    pause.disabled = !watched;
    if (paused) hold(false);
    ask();
    painter.changed("frames");
  });
  pause.addEventListener("click", () => hold(!paused));
  clear.addEventListener("click", () => {
    model.clearFrames();
    list.replaceChildren();
    painter.changed("frames");
  });
  byId("frames-tools").addEventListener("submit", (event) => event.preventDefault());
  for (const field of [session, channel, text]) {
    field.addEventListener("change", () => {
      if (watched) ask();
    });
  }

  painter.on(["sessions"], () => {
    const names = model.sessions.map(({ name }) => name);
    if (names.join() === [...session.options].slice(1).map(({ value }) => value).join()) return;
    const chosen = session.value;
    session.replaceChildren(make("option", { value: "" }, "all"), ...names.map((name) => make("option", { value: name }, name)));
    session.value = names.includes(chosen) ? chosen : "";
  });
  painter.on(["frames", "rates"], () => {
    const { wish, items, total } = model.frames;
    // Not those that came with the last frames: where no more come, they would stand there for ever.
    const { frames: often, bytes } = model.rates ?? { frames: 0, bytes: 0 };
    const waiting = items.filter((frame) => frame.n > seen).length;
    put(
      byId("frames-rate"),
      watched
        ? `${paused ? `paused, ${count(waiting)} more · ` : ""}${rate(often)} / s · ${size(bytes)} / s received · ${count(total)} in all`
        : "not watched",
    );
    if (paused) return;
    if (wish !== shown) {
      shown = wish;
      seen = -Infinity;
      list.replaceChildren();
    }
    const fresh = items.filter((frame) => frame.n > seen).slice(-ROWS);
    if (fresh.length > 0) seen = fresh.at(-1).n;
    list.querySelector(".empty")?.remove();
    list.prepend(...fresh.map(row).reverse());
    while (list.childElementCount > ROWS) list.lastChild.remove();
    if (list.childElementCount === 0) {
      list.append(make("p", { class: "empty" }, watched ? "Nothing that fits yet." : "Press Watch to see each frame as it comes and goes."));
    }
  });
  painter.changed("frames");
}
