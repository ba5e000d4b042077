"use strict";

/** Elements and icons; whatever comes from the catalog goes in as text, never as HTML. */
{
  const CONTROLS = "a, button, input, select, textarea, summary, [tabindex]";
  const SVG = "http://www.w3.org/2000/svg";
  const ICONS = {
    yes: "M5 12.5 10 17.5 19.5 7",
    no: "M6.5 6.5 17.5 17.5M17.5 6.5 6.5 17.5",
    undo: "M8 5 4 9l4 4M4 9h9.5a5.5 5.5 0 0 1 0 11H9",
    search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM15.5 15.5 20.5 20.5",
    filter: "M4 6h16M7 12h10M10 18h4",
    left: "M14.5 5.5 8 12l6.5 6.5",
    right: "M9.5 5.5 16 12l-6.5 6.5",
    person: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM4.5 20.5c.8-4 3.8-5.5 7.5-5.5s6.7 1.5 7.5 5.5",
    note: "M5 4h14v11l-5 5H5ZM14 20v-5h5M8.5 8.5h7M8.5 12h4",
    again: "M19.5 12a7.5 7.5 0 1 1-2.3-5.4L19.5 9M19.5 4.5V9H15",
    block: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16ZM6.5 6.5l11 11",
    warn: "M12 4.5 21 19.5H3ZM12 10v4.5M12 16.8v.4",
    pass: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16ZM8.5 12.3l2.5 2.5 4.5-5",
    clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16ZM12 8v4.3l3 1.7",
    large: "M4.5 4.5h15v15h-15Z",
    compact: "M4.5 4.5h6v6h-6ZM13.5 4.5h6v6h-6ZM4.5 13.5h6v6h-6ZM13.5 13.5h6v6h-6Z",
    copy: "M9 9h10.5v10.5H9ZM15 9V4.5H4.5V15H9",
    keys: "M3.5 6.5h17v11h-17ZM7 10h.1M10.5 10h.1M14 10h.1M17 10h.1M8 14h8",
    pin: "M12 14.5V21M8 4h8l-1 5.5 2.5 3V14.5H6.5V12.5l2.5-3Z",
  };

  /**
   * Make an element.
   * @param {string} tag
   * @param {Record<string, any>} [given] `class`, `text`, `on` (listeners by event), properties
   *   that begin with a dot, else attributes; null and false leave one out
   * @param {...(Node|string|null|false|undefined)} children
   * @returns {HTMLElement}
   */
  const el = (tag, given = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(given)) {
      if (value === null || value === undefined || value === false) continue;
      if (name === "text") element.textContent = value;
      else if (name === "on") listenAll(element, value);
      else if (name.startsWith(".")) element[name.slice(1)] = value;
      else element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.filter((child) => child || child === 0));
    return element;
  };

  const listenAll = (element, listeners) => {
    for (const [event, listener] of Object.entries(listeners)) {
      element.addEventListener(event, listener);
    }
  };

  /** A drawn sign, for the eye only: what it means stands beside it, or in a label. */
  const icon = (name) => {
    const svg = document.createElementNS(SVG, "svg");
    const path = document.createElementNS(SVG, "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    svg.setAttribute("class", "icon");
    path.setAttribute("d", ICONS[name]);
    svg.append(path);
    return svg;
  };

  /**
   * A button.
   * @param {{icon?: string, text?: string, label?: string, key?: string, class?: string,
   *   pressed?: boolean, disabled?: boolean, press: (event: Event) => void}} of
   */
  const button = (of) =>
    el(
      "button",
      {
        type: "button",
        class: of.class,
        "aria-label": of.label,
        title: of.label && of.key ? `${of.label} (${of.key})` : of.label,
        "aria-pressed": of.pressed === undefined ? null : String(of.pressed),
        disabled: of.disabled,
        on: { click: of.press },
      },
      of.icon && icon(of.icon),
      of.text && el("span", { text: of.text }),
      of.text && of.key && el("kbd", { text: of.key }),
    );

  const controlsOf = (element) => [...element.querySelectorAll(CONTROLS)];

  /** Exchange all that an element holds; the focus stays at the control of the same place. */
  const fill = (element, ...children) => {
    const at = controlsOf(element).indexOf(document.activeElement);
    element.replaceChildren(...children.filter(Boolean));
    if (at >= 0) controlsOf(element)[at]?.focus({ preventScroll: true });
    return element;
  };

  /** The element of index.html with this id. */
  const find = (id) => document.getElementById(id);

  sheet.elements = { el, icon, button, fill, find };
}
