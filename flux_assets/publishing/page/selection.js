"use strict";

/** Which pictures an action is for: single ones, a range, or all that the filter shows. */
{
  const chosen = new Set();
  let anchor = null;
  let range = [];
  let isAll = false;

  const tell = () => {
    sheet.grid.paint();
    sheet.tell("selection");
  };

  const clear = () => {
    chosen.clear();
    range = [];
    isAll = false;
    anchor = null;
    tell();
  };

  const toggle = (place) => {
    const row = sheet.filter.at(place);
    if (isAll) clear();
    if (!chosen.delete(row)) chosen.add(row);
    anchor = place;
    range = [];
    tell();
  };

  /** Choose all from the place where the range began to this one. */
  const extend = (place) => {
    isAll = false;
    anchor ??= sheet.grid.current();
    for (const row of range) chosen.delete(row);
    const [first, last] = [Math.min(anchor, place), Math.max(anchor, place)];
    range = Array.from({ length: last - first + 1 }, (_, at) => sheet.filter.at(first + at));
    for (const row of range) chosen.add(row);
    tell();
  };

  const click = (place, event) => {
    if (event.shiftKey) extend(place);
    else toggle(place);
    event.stopPropagation();
  };

  const all = () => {
    chosen.clear();
    isAll = true;
    tell();
  };

  sheet.listen("view", () => {
    chosen.clear();
    range = [];
    anchor = null;
    isAll = false;
    sheet.tell("selection");
  });

  sheet.selection = {
    ...{ clear, toggle, extend, click, all },
    has: (row) => isAll || chosen.has(row),
    count: () => (isAll ? sheet.filter.length() : chosen.size),
    isAll: () => isAll,
    rows: () => (isAll ? [...sheet.filter.rows()] : [...chosen]),
    /** What an action is for: the selection, else the current card's picture. */
    target: () => {
      if (isAll || chosen.size) return sheet.selection.rows();
      const row = sheet.grid.currentRow();
      return row < 0 ? [] : [row];
    },
  };
}
