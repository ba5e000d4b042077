"use strict";

/**
 * The pictures: columns of small numbers for all of them, and their rows in chunks, of which those
 * used last are kept. What was decided on this page lies over both.
 */
{
  const MOST_CHUNKS = 48;
  const AT_ONCE = 3;
  const FIELDS = [
    ...["product", "shot", "fingerprint", "sha256", "title", "prompt", "thumb", "full", "photo"],
    ...["revision", "by", "at", "note", "reasons", "person", "stale"],
  ];
  const chunks = new Map();
  const loading = new Map();
  const queue = [];
  const decided = new Map();
  let running = 0;

  const data = { head: null, columns: null };

  const build = (plain) => Object.fromEntries(FIELDS.map((name, at) => [name, plain[at]]));

  const keep = (number, rows) => {
    chunks.set(number, rows.map(build));
    for (const oldest of chunks.keys()) {
      if (chunks.size <= MOST_CHUNKS) break;
      chunks.delete(oldest);
    }
  };

  /** Begin with what was asked for last: that is what the reader looks at now. */
  const work = () => {
    while (running < AT_ONCE && queue.length) {
      const { number, resolve, reject } = queue.pop();
      running += 1;
      sheet
        .load(`rows/${number}`, data.head.row_files?.[number])
        .then((rows) => keep(number, rows))
        .catch((error) => {
          sheet.tell("lost");
          throw error;
        })
        .then(resolve, reject)
        .finally(() => {
          running -= 1;
          loading.delete(number);
          work();
        });
    }
  };

  /**
   * Have a chunk loaded.
   * @param {boolean} [isLasting] whether it is wanted even when nobody looks at it any more
   */
  data.loadChunk = (number, isLasting = false) => {
    if (chunks.has(number)) return Promise.resolve();
    if (!loading.has(number)) {
      const loaded = new Promise((resolve, reject) => {
        queue.push({ number, isLasting, resolve, reject });
      });
      loading.set(number, loaded);
      work();
    }
    for (const item of queue) if (item.number === number) item.isLasting ||= isLasting;
    return loading.get(number);
  };

  const chunkOf = (row) => Math.floor(row / data.head.chunk);

  /** Leave out what nobody looks at any more and was not begun. */
  data.forget = (wanted) => {
    const numbers = new Set(wanted.map(chunkOf));
    for (let at = queue.length - 1; at >= 0; at -= 1) {
      if (queue[at].isLasting || numbers.has(queue[at].number)) continue;
      const [{ number, reject }] = queue.splice(at, 1);
      loading.delete(number);
      reject(new Error("no longer wanted"));
    }
  };

  /** A row as the data files have it; null where its chunk is not loaded. */
  data.row = (row) => {
    const rows = chunks.get(chunkOf(row));
    return rows?.[row % data.head.chunk] ?? null;
  };

  /** A row, loaded if need be. */
  data.loadRow = async (row) => {
    if (!data.row(row)) await data.loadChunk(chunkOf(row), true);
    return data.row(row);
  };

  data.hasRow = (row) => chunks.has(chunkOf(row));

  /** A column's number for a row. */
  data.value = (column, row) => data.columns?.[column]?.[row] ?? 0;

  /** A column's word for a row. */
  data.word = (column, row) => data.head.columns[column]?.[data.value(column, row)] ?? "";

  /**
   * What holds of a row's picture now, decided here or before.
   * @returns {{verdict: string, reasons: string[], note: string|null, person: boolean|null,
   *   by: string|null, at: string|null, revision: number}}
   */
  data.decision = (row) => {
    const known = decided.get(row);
    if (known) return known;
    const { reasons, note, person, by, at, revision } = data.row(row) ?? {};
    const verdict = data.columns ? data.word("decision", row) : "undecided";
    return { verdict, reasons: reasons ?? [], note, person, by, at, revision: revision ?? 0 };
  };

  /** Note what holds now, so that cards, filters and counts show it. */
  data.setDecision = (row, decision) => {
    decided.set(row, decision);
    const value = data.head.columns.decision.indexOf(decision.verdict);
    if (data.columns) data.columns.decision[row] = Math.max(0, value);
  };

  /** The rows of the same product, this one among them, in the order of the shots. */
  data.rowsOfProduct = async (row) => {
    const own = await data.loadRow(row);
    const rows = [row];
    const belongs = async (other) =>
      other >= 0 && other < data.head.rows && (await data.loadRow(other)).product === own.product;
    while (await belongs(rows[0] - 1)) rows.unshift(rows[0] - 1);
    while (await belongs(rows.at(-1) + 1)) rows.push(rows.at(-1) + 1);
    return rows;
  };

  /** Whether a text stands before another by code points, as the rows are sorted. */
  const isBefore = (one, other) => {
    const [ours, theirs] = [[...one], [...other]];
    const at = ours.findIndex((sign, place) => sign !== theirs[place]);
    if (at < 0) return ours.length < theirs.length;
    return at < theirs.length && ours[at].codePointAt() < theirs[at].codePointAt();
  };

  /** Where the rows that may be a product's begin and end: in the order of products within each. */
  const findRuns = async (product) => {
    const { rows, parts } = data.head;
    if (!parts?.length) return [[0, rows]];
    const runs = parts.map(([bucket, start], at) => [start, parts[at + 1]?.[1] ?? rows, bucket]);
    // It is there over https, from this machine and from a file; elsewhere every bucket is tried.
    if (!globalThis.crypto?.subtle) return runs;
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(product));
    const own = new Uint8Array(digest)[0].toString(16).padStart(2, "0");
    return runs.filter(([, , bucket]) => bucket === own);
  };

  /** The row of a product's shot, by bisection; -1 if there is none. */
  data.find = async (product, shot) => {
    for (const [start, end] of await findRuns(product)) {
      let [low, high] = [start, end];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (isBefore((await data.loadRow(middle)).product, product)) low = middle + 1;
        else high = middle;
      }
      if (low < end && (await data.loadRow(low)).product === product) {
        const rows = await data.rowsOfProduct(low);
        return rows.find((row) => !shot || data.row(row)?.shot === shot) ?? -1;
      }
    }
    return -1;
  };

  const read = ({ bytes, data: text }) => {
    const raw = sheet.decode(text);
    return bytes === 1 ? raw : new Uint16Array(raw.buffer, 0, raw.length >> 1);
  };

  /** Take the columns; what was decided before they came is kept. */
  data.takeColumns = (columns) => {
    data.columns = Object.fromEntries(
      Object.entries(columns).map(([name, column]) => [name, read(column)]),
    );
    for (const [row, decision] of decided) data.setDecision(row, decision);
  };

  data.channels = () => data.head.channels ?? [];

  /** The channels where a row's picture has this verdict. */
  data.channelsWith = (verdict, row) =>
    data.channels().filter((channel) => data.word(`verdict:${channel}`, row) === verdict);

  sheet.data = data;
}
