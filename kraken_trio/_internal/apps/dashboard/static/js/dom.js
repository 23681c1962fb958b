// Small tools to make and change elements. No text ever becomes markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

export const byId = (id) => document.getElementById(id);

export const make = (tag, attributes = {}, ...children) =>
  fill(document.createElement(tag), attributes, children);

export const draw = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS(SVG, tag), attributes, children);

/** Set a text only if it is another: an unchanged one costs no layout. */
export function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Set an attribute only if it is another; null takes it away. */
export function mark(node, name, value) {
  if (value === null) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

/**
 * Make the children of `parent` those of `items`, in order; nodes live on by their key.
 * `create(item)` gives `{node, update(item)}`.
 */
export function keyed(create) {
  const kept = new Map();
  return (parent, items, keyOf) => {
    const wanted = new Set(items.map(keyOf));
    for (const [key, view] of kept) {
      if (wanted.has(key)) continue;
      view.node.remove();
      kept.delete(key);
    }
    let before = null;
    for (const item of items) {
      const key = keyOf(item);
      let view = kept.get(key);
      if (view === undefined) {
        view = create(item);
        kept.set(key, view);
      }
      view.update(item);
      const next = before === null ? parent.firstChild : before.nextSibling;
      if (next !== view.node) parent.insertBefore(view.node, next);
      before = view.node;
    }
    while (before === null ? parent.firstChild : before.nextSibling) {
      (before === null ? parent.firstChild : before.nextSibling).remove();
    }
  };
}
