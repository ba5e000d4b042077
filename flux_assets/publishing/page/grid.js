"use strict";

/**
 * The sheet: only the cards that can be seen exist, and 10,000 pictures are a page, as browsers end
 * an element at some 33 million pixels.
 */
{
  const PER_PAGE = 10_000;
  const SPARE_ROWS = 2;
  const SETTLED_MS = 90;
  const { find } = sheet.elements;
  const { state } = sheet.address;
  const grid = find("grid");
  const lines = new Map();
  let layout = { columns: 1, height: 1 };
  let current = 0;
  let settled = 0;

  const firstOfPage = () => (state.page - 1) * PER_PAGE;
  const pages = () => Math.max(1, Math.ceil(sheet.filter.length() / PER_PAGE));
  const lengthOfPage = () => Math.max(0, Math.min(PER_PAGE, sheet.filter.length() - firstOfPage()));

  /** Columns and heights from the width and what the style sheet says of a card. */
  const measure = () => {
    const style = getComputedStyle(grid);
    const [least, gap, foot] = ["--least", "--gap", "--foot"].map((name) =>
      Number.parseFloat(style.getPropertyValue(name)),
    );
    const columns = Math.max(1, Math.floor((grid.clientWidth + gap) / (least + gap)));
    const side = (grid.clientWidth - gap * (columns - 1)) / columns;
    layout = { columns, height: side + foot + gap };
    grid.style.setProperty("--columns", columns);
    grid.style.setProperty("--side", `${side}px`);
    grid.style.height = `${Math.ceil(lengthOfPage() / columns) * layout.height}px`;
    grid.setAttribute("aria-colcount", columns);
    grid.setAttribute("aria-rowcount", Math.ceil(lengthOfPage() / columns));
  };

  const visibleLines = () => {
    const top = -grid.getBoundingClientRect().top;
    const count = Math.ceil(lengthOfPage() / layout.columns);
    const first = Math.floor(top / layout.height) - SPARE_ROWS;
    const last = Math.ceil((top + window.innerHeight) / layout.height) + SPARE_ROWS;
    return [Math.min(count, Math.max(0, first)), Math.max(0, Math.min(count, last))];
  };

  const makeLine = (number) => {
    const line = sheet.elements.el("div", {
      role: "row",
      class: "line",
      "aria-rowindex": number + 1,
    });
    line.style.transform = `translateY(${number * layout.height}px)`;
    lines.set(number, line);
    grid.append(line);
    return line;
  };

  const paintLine = (number) => {
    const line = lines.get(number) ?? makeLine(number);
    const first = number * layout.columns;
    const count = Math.min(layout.columns, lengthOfPage() - first);
    while (line.children.length > count) line.lastChild.remove();
    while (line.children.length < count) line.append(sheet.card.make());
    [...line.children].forEach((card, at) => {
      const place = firstOfPage() + first + at;
      card.setAttribute("aria-colindex", at + 1);
      sheet.card.paint(card, place, place === current);
    });
  };

  const visiblePlaces = () => {
    const [first, last] = visibleLines();
    const end = Math.min(lengthOfPage(), last * layout.columns);
    const places = [];
    for (let at = first * layout.columns; at < end; at += 1) places.push(firstOfPage() + at);
    return places;
  };

  /** Load what can be seen, once the scrolling rests: what flies past is not asked for. */
  const loadVisible = () => {
    const rows = visiblePlaces().map(sheet.filter.at);
    const missing = rows.filter((row) => !sheet.data.hasRow(row));
    sheet.data.forget(missing);
    const chunks = new Set(missing.map((row) => Math.floor(row / sheet.data.head.chunk)));
    for (const chunk of chunks) {
      sheet.data.loadChunk(chunk).then(paint, () => {});
    }
  };

  /** Paint the lines that can be seen, and leave out all others. */
  const paint = () => {
    const [first, last] = visibleLines();
    for (const [number, line] of lines) {
      if (number >= first && number < last) continue;
      line.remove();
      lines.delete(number);
    }
    for (let number = first; number < last; number += 1) paintLine(number);
  };

  const scrolled = () => {
    paint();
    clearTimeout(settled);
    settled = setTimeout(loadVisible, SETTLED_MS);
  };

  /** Begin anew: another view, another size, another language. */
  const rebuild = () => {
    for (const line of lines.values()) line.remove();
    lines.clear();
    state.page = Math.min(state.page, pages());
    current = Math.min(
      Math.max(current, firstOfPage()),
      firstOfPage() + Math.max(0, lengthOfPage() - 1),
    );
    measure();
    paint();
    loadVisible();
  };

  /** Go to the beginning of what is shown. */
  const restart = () => {
    current = (state.page - 1) * PER_PAGE;
    rebuild();
    if (grid.getBoundingClientRect().top < 0) window.scrollTo(0, 0);
  };

  const topOf = (place) =>
    Math.floor((place - firstOfPage()) / layout.columns) * layout.height +
    window.scrollY +
    grid.getBoundingClientRect().top;

  const scrollTo = (place) => {
    const margin = Number.parseFloat(getComputedStyle(grid).scrollMarginTop) || 0;
    const top = topOf(place);
    const bottom = top + layout.height + 72 - window.innerHeight; // what stands at the lower edge
    if (top - margin < window.scrollY) window.scrollTo(0, top - margin);
    else if (bottom > window.scrollY) window.scrollTo(0, bottom);
  };

  const cardAt = (place) => grid.querySelector(`.card[data-place="${place}"]`);

  /** Make a card the current one, bring it into view, and give it the keyboard's focus. */
  const focus = (place, { isQuiet = false } = {}) => {
    const last = sheet.filter.length() - 1;
    if (last < 0) return;
    current = Math.max(0, Math.min(place, last));
    const page = Math.floor(current / PER_PAGE) + 1;
    if (page !== state.page) sheet.address.change({ page });
    current = Math.max(0, Math.min(place, last));
    scrollTo(current);
    paint();
    loadVisible();
    if (!isQuiet) cardAt(current)?.focus({ preventScroll: true });
  };

  window.addEventListener("scroll", () => requestAnimationFrame(scrolled), { passive: true });
  new ResizeObserver(() => {
    const before = layout.columns;
    if (sheet.data.head && lines.size) measure();
    if (layout.columns !== before) rebuild();
    else
      for (const [number, line] of lines)
        line.style.transform = `translateY(${number * layout.height}px)`;
  }).observe(grid);

  grid.addEventListener("focusin", (event) => {
    const card = event.target.closest("[data-place]");
    if (!card || Number(card.dataset.place) === current) return;
    current = Number(card.dataset.place);
    paint();
  });

  sheet.grid = {
    ...{ paint, rebuild, restart, focus, pages },
    columns: () => layout.columns,
    current: () => current,
    /** The row of the current card; -1 where nothing is shown. */
    currentRow: () => (sheet.filter.length() ? sheet.filter.at(current) : -1),
    perPage: PER_PAGE,
  };
}
