// Paints what changed, once for each frame of the screen, however often it changed meanwhile.

export class Painter {
  #paints = new Map();
  #changed = new Set();
  #asked = false;

  /** Call `paint()` in the frame after any of these topics changed. */
  on(topics, paint) {
    for (const topic of topics) {
      if (!this.#paints.has(topic)) this.#paints.set(topic, new Set());
      this.#paints.get(topic).add(paint);
    }
  }

  changed(...topics) {
    for (const topic of topics) this.#changed.add(topic);
    if (this.#asked || this.#changed.size === 0) return;
    this.#asked = true;
    requestAnimationFrame(() => this.#paint());
  }

  #paint() {
    this.#asked = false;
    const due = new Set([...this.#changed].flatMap((topic) => [...(this.#paints.get(topic) ?? [])]));
    this.#changed.clear();
    for (const paint of due) paint();
  }
}
