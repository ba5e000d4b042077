"use strict";

/**
 * The page's only global: every script hangs one subject on it, and the data files call `head`,
 * `columns` and `rows`. They are scripts because a page of `file://` may fetch nothing.
 */
const sheet = {};

{
  const attributes = document.documentElement.dataset;
  const listeners = new Map();
  const waiting = new Map();

  /** Where the data lies, whether a server is behind it, and the token that it asks for. */
  sheet.page = {
    folder: attributes.folder,
    live: attributes.live === "true",
    token: attributes.token,
  };

  /** Call `listener` whenever `name` is told. */
  sheet.listen = (name, listener) => {
    listeners.set(name, [...(listeners.get(name) ?? []), listener]);
  };

  /** Tell whoever listens that something happened. */
  sheet.tell = (name, detail) => {
    for (const listener of listeners.get(name) ?? []) listener(detail);
  };

  /**
   * Load one of the data files.
   * @param {string} name as `rows/12`
   * @param {string} [address] where it lies, if not in the folder under its name
   * @returns {Promise<any>} what the file gives
   */
  sheet.load = (name, address = `${sheet.page.folder}${name}.js`) =>
    new Promise((resolve, reject) => {
      const script = document.createElement("script");
      const end = () => {
        script.remove();
        waiting.delete(name);
        reject(new Error(address)); // which changes nothing where the file gave something
      };
      waiting.set(name, resolve);
      script.src = address;
      script.onload = end;
      script.onerror = end;
      document.head.append(script);
    });

  const take = (name, value) => waiting.get(name)?.(value);

  sheet.head = (head) => take("head", head);
  sheet.columns = (columns) => take("columns", columns);
  sheet.rows = (chunk, rows) => take(`rows/${chunk}`, rows);

  /**
   * What is remembered on this device; a page of `file://` may be refused that.
   * @param {string} name
   * @param {string} [value] what to remember
   */
  sheet.remember = (name, value) => {
    try {
      if (value !== undefined) localStorage.setItem(`flux-assets-${name}`, value);
      return localStorage.getItem(`flux-assets-${name}`);
    } catch {
      return null;
    }
  };

  /** The bytes of a base64 text. */
  sheet.decode = (text) => {
    const binary = atob(text);
    const bytes = new Uint8Array(binary.length);
    for (let at = 0; at < binary.length; at += 1) bytes[at] = binary.charCodeAt(at);
    return bytes;
  };
}
