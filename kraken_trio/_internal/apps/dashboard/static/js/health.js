// How the feed does, and why: the badge, the reasons, what comes in a second, and the buffers.

import { byId, keyed, make, mark, put } from "./dom.js";
import { count, rate, size } from "./format.js";

const SHAPES = { healthy: "●", degraded: "▲", unhealthy: "■" };
const RATES = [
  ["frames", "Frames / s", rate],
  ["bytes", "Received / s", size],
  ["records", "Records / s", rate],
];

function bufferRow() {
  const name = make("th", { scope: "row" });
  const bar = make("span", { class: "fill", "aria-hidden": "true" });
  const used = make("span");
  const dropped = make("td");
  return {
    node: make("tr", {}, name, make("td", { class: "used" }, make("span", { class: "gauge" }, bar), used), dropped),
    update(buffer) {
      put(name, buffer.name);
      put(used, `${count(buffer.used)} / ${count(buffer.size)}`);
      const part = buffer.size === 0 ? 0 : Math.min(1, buffer.used / buffer.size);
      bar.style.transform = `scaleX(${part})`;
      mark(bar, "data-full", part >= 0.8 ? "" : null);
      put(dropped, count(buffer.dropped));
      mark(dropped, "data-bad", buffer.dropped > 0 ? "" : null);
    },
  };
}

export function health({ model, painter, say }) {
  const badge = byId("badge");
  const verdict = byId("verdict");
  const reasons = byId("reasons");
  const tiles = new Map(RATES.map(([name, label]) => [name, [make("dd", {}, "–"), label]]));
  byId("rates").append(...[...tiles.values()].map(([value, label]) => make("div", {}, make("dt", {}, label), value)));
  const showBuffers = keyed(bufferRow);
  const noBuffer = make("tr", {}, make("td", { colspan: 3, class: "empty" }, "None yet."));
  let said = null;

  painter.on(["health"], () => {
    const word = model.health?.verdict ?? "unknown";
    const text = model.health === null ? "no verdict yet" : `${SHAPES[word] ?? "?"} ${word}`;
    for (const node of [badge, verdict]) {
      mark(node, "data-verdict", word);
      put(node, text);
    }
    const why = model.health?.reasons ?? [];
    if (why.join("\n") !== [...reasons.children].map((item) => item.textContent).join("\n")) {
      reasons.replaceChildren(...why.map((reason) => make("li", {}, reason)));
    }
    mark(badge, "title", why.join("\n") || null);
    if (said !== null && said !== word) say(`The feed is ${word}. ${why.join(" ")}`);
    said = word;
  });
  painter.on(["rates"], () => {
    for (const [name, , text] of RATES) put(tiles.get(name)[0], model.rates === null ? "–" : text(model.rates[name]));
    put(byId("top-rates"), model.rates === null ? "" : `${rate(model.rates.frames)} frames/s · ${size(model.rates.bytes)}/s`);
  });
  painter.on(["buffers"], () => {
    showBuffers(byId("buffers"), model.buffers, (buffer) => buffer.name);
    if (model.buffers.length === 0) byId("buffers").append(noBuffer);
  });
}
