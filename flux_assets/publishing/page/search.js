"use strict";

/** The search by title, id and prompt: the server's, or here over all rows where there is none. */
{
  let asked = 0;

  const askServer = async (words) => {
    const path = `${sheet.page.folder}search?q=${encodeURIComponent(words)}`;
    const answer = await sheet.api.get(path);
    const bytes = sheet.decode(answer.rows);
    const mask = new Uint8Array(sheet.data.head.rows);
    for (const row of new Uint32Array(bytes.buffer, 0, bytes.length >> 2)) mask[row] = 1;
    return mask;
  };

  const fold = (text) => text.toLocaleLowerCase();

  /** Read every chunk in turn; gives nothing when another search was begun meanwhile. */
  const readAll = async (words, own) => {
    const wanted = fold(words).split(/\s+/).filter(Boolean);
    const { rows, chunk } = sheet.data.head;
    const mask = new Uint8Array(rows);
    for (let first = 0; first < rows; first += chunk) {
      await sheet.data.loadRow(first);
      if (own !== asked) return null;
      const last = Math.min(rows, first + chunk);
      for (let row = first; row < last; row += 1) {
        const { title, product, prompt } = sheet.data.row(row);
        const text = fold(`${title} ${product} ${prompt ?? ""}`);
        mask[row] = wanted.every((word) => text.includes(word)) ? 1 : 0;
      }
      sheet.tell("searching", last / rows);
    }
    return mask;
  };

  /**
   * The rows where all words stand.
   * @returns {Promise<Uint8Array|null|undefined>} a byte a row; null for an empty search, undefined
   *   where a later search makes this one pointless
   */
  const search = async (words) => {
    asked += 1;
    const own = asked;
    if (!words.trim()) return null;
    sheet.tell("searching", 0);
    try {
      const mask = await (sheet.page.live ? askServer(words) : readAll(words, own));
      return own === asked && mask ? mask : undefined;
    } finally {
      if (own === asked) sheet.tell("searching", null);
    }
  };

  sheet.search = search;
}
