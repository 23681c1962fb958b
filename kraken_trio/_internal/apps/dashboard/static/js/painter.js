// Paints what changed, once for each frame of the screen, however often it changed meanwhile. A page
// that is hidden has no such frames, and yet a title that is seen: it is painted once a second, by the
// message that comes then, for timers of such a page may be a minute late.

const HIDDEN_MS = 1000;

export class Painter {
  #paints = new Map();
  #changed = new Set();
  #asked = false;
  #paintedAt = -Infinity;

  constructor() {
    document.addEventListener("visibilitychange", () => this.changed());
  }

  /** Call `paint()` in the frame after any of these topics changed. */
  on(topics, paint) {
    for (const topic of topics) {
      if (!this.#paints.has(topic)) this.#paints.set(topic, new Set());
      this.#paints.get(topic).add(paint);
    }
  }

  changed(...topics) {
    for (const topic of topics) this.#changed.add(topic);
    if (this.#changed.size === 0) return;
    if (document.hidden) {
      if (performance.now() - this.#paintedAt >= HIDDEN_MS) this.#paint();
      return;
    }
    if (this.#asked) return;
    this.#asked = true;
    requestAnimationFrame(() => this.#paint());
  }

  #paint() {
    this.#asked = false;
    this.#paintedAt = performance.now();
    const due = new Set([...this.#changed].flatMap((topic) => [...(this.#paints.get(topic) ?? [])]));
    this.#changed.clear();
    for (const paint of due) paint();
  }
}
