// The candles of the pair that is looked at, with volume, drawn by uPlot. Rising ones are hollow and
// falling ones are filled, so that nobody needs the colours.

import uPlot from "../vendor/uplot/uPlot.esm.js";
import { byId, make, mark, put } from "./dom.js";
import { count, interval as lengthOf, moment } from "./format.js";
import { colour } from "./theme.js";

const SLOT = 9; // Pixels for one candle.
const FEWEST = 24; // There is room for.
const AXIS = 70; // Pixels for the prices beside them, about.
const WIDEST = 16; // Pixels of a body.
const VOLUME_PART = 0.2;

function columns(items) {
  const number = (name) => items.map((item) => Number(item[name])); // For where a pixel goes, no more.
  return [items.map((item) => item.t / 1000), number("o"), number("h"), number("l"), number("c"), number("v")];
}

/** From when to when is shown, in seconds: the newest, as many as fit. */
function span(plot, step) {
  const [times] = plot.data;
  if (times.length === 0) return [0, 1];
  const slots = Math.max(10, Math.floor((plot.width - AXIS) / SLOT));
  const right = times.at(-1) + step;
  // A short past is not stretched over all the width.
  const from = Math.min(times[0] - step, right - FEWEST * step);
  return [Math.max(right - slots * step, from), right];
}

/** The first and the last index of what is shown. */
function visible(plot, step) {
  // Asked of the data, for the scale of the plot may be that of a moment ago.
  const [min] = span(plot, step);
  const [times] = plot.data;
  let from = 0;
  while (from < times.length - 1 && times[from] < min) from += 1;
  return [from, times.length - 1];
}

function extremes(plot, step) {
  const [times, , highs, lows] = plot.data;
  if (times.length === 0) return [0, 1];
  const [from, to] = visible(plot, step);
  const low = Math.min(...lows.slice(from, to + 1));
  const high = Math.max(...highs.slice(from, to + 1));
  const room = (high - low || high * 0.001 || 1) * 0.06;
  return [low - room - (high - low) * VOLUME_PART, high + room];
}

function paintCandles(plot, step, lastText) {
  const [times, opens, highs, lows, closes, volumes] = plot.data;
  if (times.length === 0) return;
  const { ctx, bbox } = plot;
  const [from, to] = visible(plot, step);
  const ratio = devicePixelRatio;
  const x = (value) => Math.round(plot.valToPos(value, "x", true));
  const y = (value) => Math.round(plot.valToPos(value, "y", true));
  const room = (x(times[from] + step) - x(times[from])) * 0.66;
  const body = Math.max(ratio, Math.floor(Math.min(room, WIDEST * ratio) / 2) * 2);
  const line = Math.max(1, Math.round(ratio));
  const most = Math.max(...volumes.slice(from, to + 1)) || 1;
  const up = colour("up");
  const down = colour("down");
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.lineWidth = line;
  for (let i = from; i <= to; i += 1) {
    const middle = x(times[i]);
    const left = middle - body / 2;
    const rising = closes[i] >= opens[i];
    ctx.strokeStyle = ctx.fillStyle = rising ? up : down;
    ctx.globalAlpha = 0.28;
    const tall = Math.round((volumes[i] / most) * bbox.height * VOLUME_PART * 0.85);
    ctx.fillRect(left, bbox.top + bbox.height - tall, body, tall);
    ctx.globalAlpha = 1;
    const top = y(Math.max(opens[i], closes[i]));
    const height = Math.max(line, y(Math.min(opens[i], closes[i])) - top);
    ctx.fillRect(middle - line / 2, y(highs[i]), line, top - y(highs[i]));
    ctx.fillRect(middle - line / 2, top + height, line, y(lows[i]) - top - height);
    if (rising && body > 3 * line && height > line) ctx.strokeRect(left + line / 2, top + line / 2, body - line, height - line);
    else ctx.fillRect(left, top, body, height);
  }
  const level = y(closes.at(-1));
  ctx.strokeStyle = colour("muted");
  ctx.setLineDash([2 * line, 3 * line]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, level);
  ctx.lineTo(bbox.left + bbox.width, level);
  ctx.stroke();
  ctx.restore();
  tag(plot, level, lastText, closes.at(-1) >= opens.at(-1) ? up : down);
}

/** The last price, as the server sent it, on the axis. */
function tag({ ctx, bbox }, level, text, paint) {
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.font = `600 ${11 * ratio}px ${FONT}`;
  const wide = ctx.measureText(text).width + 10 * ratio;
  ctx.fillStyle = paint;
  ctx.fillRect(bbox.left + bbox.width + ratio, level - 9 * ratio, Math.max(wide, 50 * ratio), 18 * ratio);
  ctx.fillStyle = colour("panel");
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  ctx.fillText(text, bbox.left + bbox.width + 6 * ratio, level);
  ctx.restore();
}

const FONT = 'Inter, ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

function places(step) {
  return Math.min(12, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
}

export function candles(context) {
  const { model, painter, send, say } = context;
  const holder = byId("plot");
  const readout = byId("candle-readout");
  const buttons = byId("intervals");
  let plot = null;
  let step = 60;
  let widest = 8;
  let at = null; // Which candle is read; null: the last.

  const items = () => model.candles.items;

  function read() {
    const list = items();
    const candle = list[at ?? list.length - 1];
    if (candle === undefined) {
      readout.replaceChildren("No candle yet.");
      return "";
    }
    const parts = [["O", candle.o], ["H", candle.h], ["L", candle.l], ["C", candle.c], ["Vol", candle.v]];
    if (candle.n != null) parts.push(["Trades", count(candle.n)]);
    readout.replaceChildren(
      make("time", {}, `${moment(candle.t)} UTC`),
      ...parts.map(([name, value]) => make("span", {}, make("b", {}, name), ` ${value}`)),
    );
    return readout.textContent;
  }

  function options() {
    const axis = {
      stroke: () => colour("muted"),
      grid: { stroke: () => colour("line"), width: 1 },
      ticks: { show: false },
      font: `11px ${FONT}`,
    };
    return {
      width: holder.clientWidth || 300,
      height: holder.clientHeight || 300,
      padding: [10, 0, 0, 0],
      legend: { show: false },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
      cursor: { drag: { x: false, y: false }, points: { show: false }, focus: { prox: -1 } },
      scales: {
        x: { time: true, range: (self) => span(self, step) },
        y: { range: (self) => extremes(self, step) },
        v: { range: () => [0, 1] },
      },
      series: [{}, ...["y", "y", "y", "y", "v"].map((scale) => ({ scale, paths: () => null, points: { show: false } }))],
      axes: [
        {
          ...axis,
          space: 64,
          size: 30,
          values: (self, splits, axisIndex, space, apart) =>
            splits.map((value) => {
              const text = moment(value * 1000);
              if (self.valToPos(value, "x") < 16) return ""; // It would be cut off.
              if (apart >= 86400) return text.slice(5, 10);
              return text.endsWith("00:00") ? text.slice(5, 10) : text.slice(11);
            }),
        },
        {
          ...axis,
          side: 1,
          scale: "y",
          space: 36,
          size: () => 14 + widest * 7,
          values: (self, splits, axisIndex, space, apart) => {
            const y = (value) => self.valToPos(value, "y");
            const last = y(self.data[4].at(-1) ?? NaN); // There stands the last price.
            return splits.map((value) => (Math.abs(y(value) - last) < 15 ? "" : value.toFixed(places(apart))));
          },
        },
      ],
      hooks: {
        draw: [(self) => paintCandles(self, step, items().at(-1)?.c ?? "")],
        setCursor: [
          (self) => {
            const list = items();
            const index = self.cursor.idx;
            at = index == null || self.cursor.left < 0 || index >= list.length ? null : index;
            read();
          },
        ],
      },
    };
  }

  function paint() {
    const { interval } = model.candles;
    const list = items();
    step = (interval ?? model.look?.interval ?? 1) * 60;
    widest = Math.max(6, ...list.slice(-1).map((candle) => candle.c.length));
    const data = columns(list);
    if (plot === null) plot = new uPlot(options(), data, holder);
    else plot.setData(data);
    if (at !== null && at >= list.length) at = null;
    read();
    const newest = list.at(-1);
    mark(holder, "data-candles", list.length);
    mark(
      holder,
      "aria-label",
      newest === undefined
        ? "Candles: none yet."
        : `Candles of ${model.candles.symbol}, ${lengthOf(interval)} each; the last closes at ${newest.c}. Left and right arrow read them one by one.`,
    );
  }

  holder.addEventListener("keydown", (event) => {
    const moves = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
    const list = items();
    if (!(event.key in moves) || plot === null || list.length === 0) return;
    event.preventDefault();
    const [from] = visible(plot, step);
    const next = Math.min(list.length - 1, Math.max(from, (at ?? list.length) + moves[event.key]));
    plot.setCursor({ left: plot.valToPos(plot.data[0][next], "x"), top: plot.valToPos(plot.data[4][next], "y") });
    at = next;
    say(read());
  });
  holder.addEventListener("blur", () => plot?.setCursor({ left: -10, top: -10 }));

  painter.on(["hello", "look"], () => {
    const intervals = model.hello?.intervals ?? [];
    if (buttons.childElementCount !== intervals.length) {
      buttons.replaceChildren(
        ...intervals.map((minutes) =>
          make(
            "button",
            {
              type: "button",
              "data-interval": minutes,
              onclick: () => model.look && send({ type: "look", symbol: model.look.symbol, interval: minutes }),
            },
            lengthOf(minutes),
          ),
        ),
      );
    }
    for (const button of buttons.children) mark(button, "aria-pressed", Number(button.dataset.interval) === model.look?.interval);
  });
  painter.on(["candles"], paint);
  painter.on(["theme"], () => plot?.redraw());
  new ResizeObserver(() => {
    if (plot === null || holder.clientWidth === 0) return;
    plot.setSize({ width: holder.clientWidth, height: holder.clientHeight });
    plot.setData(plot.data); // So that as many are shown as fit now.
  }).observe(holder);
}
