"use strict";

/** Which pictures are shown, in which order, and how many each further choice would leave. */
{
  const DAY_MS = 86_400_000;
  const UNKNOWN_SCORE = 255;
  const { state } = sheet.address;

  let shown = null;
  let counts = {};
  let searched = null;
  let matching = 0;

  /** One test a facet: its column, and which of its values are wanted (null: all). */
  const buildFacetTests = () =>
    Object.entries(sheet.data.head.columns)
      .filter(([name]) => sheet.data.columns[name])
      .map(([name, words]) => {
        const wanted = state.facets[name];
        const allowed = wanted && Uint8Array.from(words, (word) => (wanted.has(word) ? 1 : 0));
        const counts = new Uint32Array(words.length + 1);
        return { name, column: sheet.data.columns[name], allowed, counts };
      });

  /** The first day that counts as changed, in days of the epoch; -1 if all do. */
  const firstDay = () => {
    if (!state.since) return -1;
    const [channel, number] = state.since.split(":");
    const edition = sheet.data.head.editions?.[channel]?.find((it) => it.number === Number(number));
    const time = Date.parse(edition ? edition.at : state.since);
    const epoch = Date.parse(sheet.data.head.epoch);
    return Number.isNaN(time) ? -1 : Math.floor((time - epoch) / DAY_MS);
  };

  const narrow = (mask, test) => {
    for (let row = 0; row < mask.length; row += 1) if (mask[row] && !test(row)) mask[row] = 0;
  };

  /** The rows that match everything that is no facet. */
  const buildMask = (found) => {
    const { changed, score } = sheet.data.columns;
    const mask = found?.slice() ?? new Uint8Array(sheet.data.head.rows).fill(1);
    const since = firstDay();
    if (since >= 0) narrow(mask, (row) => changed[row] >= since);
    if (state.below && score) narrow(mask, (row) => score[row] < Number(state.below));
    return mask;
  };

  /**
   * One pass over all rows. A facet counts what the others leave, so that a further choice within
   * it says what it would add.
   */
  const select = (mask, tests) => {
    const rows = new Uint32Array(mask.length);
    const chosen = tests.filter((test) => test.allowed);
    let length = 0;
    for (let row = 0; row < mask.length; row += 1) {
      if (!mask[row]) continue;
      let failed = null;
      let isOut = false;
      for (const test of chosen) {
        if (test.allowed[test.column[row]]) continue;
        isOut = failed !== null;
        if (isOut) break;
        failed = test;
      }
      if (isOut) continue;
      if (failed) {
        failed.counts[failed.column[row]] += 1;
        continue;
      }
      for (const test of tests) test.counts[test.column[row]] += 1;
      rows[length] = row;
      length += 1;
    }
    return rows.slice(0, length);
  };

  /** Sort by small numbers, keeping the order of equals. */
  const sortBy = (rows, keyOf, most) => {
    const starts = new Uint32Array(most + 2);
    for (const row of rows) starts[keyOf(row) + 1] += 1;
    for (let key = 1; key < starts.length; key += 1) starts[key] += starts[key - 1];
    const sorted = new Uint32Array(rows.length);
    for (const row of rows) {
      const key = keyOf(row);
      sorted[starts[key]] = row;
      starts[key] += 1;
    }
    return sorted;
  };

  const sort = (rows) => {
    const { changed, score } = sheet.data.columns;
    if (state.sort === "newest") return sortBy(rows, (row) => 65_535 - changed[row], 65_535);
    if (state.sort === "score" && score) return sortBy(rows, (row) => score[row], UNKNOWN_SCORE);
    return rows;
  };

  /**
   * Find the rows to show.
   * @param {Uint8Array|null} found the rows that the search found, a byte each; null: no search
   */
  const run = (found) => {
    if (!sheet.data.columns) {
      shown = null;
      return;
    }
    searched = found;
    shown = sort(selectAndCount());
    matching = shown.length;
  };

  const recount = () => {
    if (sheet.data.columns) matching = selectAndCount().length;
  };

  const selectAndCount = () => {
    const tests = buildFacetTests();
    const rows = select(buildMask(searched), tests);
    counts = Object.fromEntries(tests.map((test) => [test.name, test.counts]));
    return rows;
  };

  const length = () => shown?.length ?? sheet.data.head.rows;

  sheet.filter = {
    run,
    /** Count anew after decisions; what is shown stays until the reader asks for another view. */
    recount,
    /** Whether decisions have made other pictures match than are shown. */
    isOld: () => shown !== null && matching !== shown.length,
    length,
    /** The row at a place of what is shown. */
    at: (place) => (shown ? shown[place] : place),
    /** The place of a row in what is shown; -1 if it is not. */
    placeOf: (row) => (shown ? shown.indexOf(row) : row),
    /** How many rows a value of a facet has among what the other choices leave. */
    count: (name, value) => counts[name]?.[sheet.data.head.columns[name].indexOf(value)] ?? 0,
    rows: () => shown ?? Uint32Array.from({ length: length() }, (_, row) => row),
  };
}
