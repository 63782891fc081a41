"use strict";
// Sorting, filtering, and from a number to the rows behind it. Without it the page is whole, only less handy.
document.documentElement.classList.add("scripted");

const words = (input) => input.value.toLowerCase().split(/\s+/).filter(Boolean);
const holds = (element, all) => {
  const text = element.textContent.toLowerCase();
  return all.every((word) => text.includes(word));
};

for (const input of document.querySelectorAll("[data-filter]")) {
  const rows = document.getElementById(input.dataset.filter).querySelectorAll("tbody tr");
  const told = input.closest("p").querySelector("output");
  input.addEventListener("input", () => {
    let n = 0;
    for (const row of rows) {
      row.hidden = !holds(row, words(input));
      n += !row.hidden;
    }
    told.textContent = input.value ? `${n} of ${rows.length} rows` : "";
  });
}

for (const table of document.querySelectorAll("table[data-sortable]")) {
  for (const head of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => sort(table, head));
  }
}

// Numbers as numbers, texts in their order, rows without a value last either way.
function sort(table, head) {
  const down = head.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const key = (row) => {
    const cell = row.cells[head.cellIndex];
    return "value" in cell.dataset ? cell.dataset.value : cell.textContent.trim();
  };
  const rows = [...table.tBodies[0].rows];
  const valued = rows.filter((row) => key(row) !== "");
  const numbers = valued.every((row) => Number.isFinite(Number(key(row))));
  valued.sort((a, b) =>
    numbers ? Number(key(a)) - Number(key(b)) : key(a).localeCompare(key(b), "en", { numeric: true }),
  );
  if (down) valued.reverse();
  table.tBodies[0].append(...valued, ...rows.filter((row) => key(row) === ""));
}

// A table as text for a paper: each row that is shown, each cell as it is seen, without what is folded away.
for (const table of document.querySelectorAll("table[data-copy]")) {
  const line = document.createElement("p");
  line.className = "script";
  const told = document.createElement("output");
  told.setAttribute("aria-live", "polite");
  for (const [name, write] of [["Markdown", markdown], ["LaTeX", latex]]) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = `copy as ${name}`;
    button.addEventListener("click", () =>
      navigator.clipboard.writeText(write(cells(table))).then(
        () => (told.textContent = "copied"),
        () => (told.textContent = "the browser does not let the page copy"),
      ),
    );
    line.append(button, " ");
  }
  line.append(told);
  table.parentElement.after(line);
}

function cells(table) {
  const seen = (cell) => {
    const copy = cell.cloneNode(true);
    for (const folded of copy.querySelectorAll("details > :not(summary), sup")) folded.remove();
    for (const small of copy.querySelectorAll("small")) small.before(" ");
    return copy.textContent.trim().replace(/\s+/g, " ");
  };
  const rows = [...table.rows].filter((row) => !row.hidden);
  return rows.map((row) => [...row.cells].map(seen));
}

function markdown([head, ...rows]) {
  const line = (row) => `| ${row.map((text) => text.replace(/([\\`*_{}[\]<>#|~])/g, "\\$1")).join(" | ")} |`;
  return [line(head), `|${" --- |".repeat(head.length)}`, ...rows.map(line)].join("\n");
}

function latex([head, ...rows]) {
  const signs = { "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "–": "--", "−": "$-$" };
  const line = (row) =>
    `${row.map((text) => text.replace(/[\\~^–−&%$#_{}]/g, (sign) => signs[sign] || `\\${sign}`)).join(" & ")} \\\\`;
  const body = [line(head), "\\midrule", ...rows.map(line)].join("\n");
  return `\\begin{tabular}{l${"r".repeat(head.length - 1)}}\n\\toprule\n${body}\n\\bottomrule\n\\end{tabular}`;
}

const list = document.getElementById("item-list");
if (list) {
  const all = document.getElementById("all");
  const level = document.getElementById("level");
  const filter = document.getElementById("filter-items");
  const found = document.getElementById("found");
  const order = document.getElementById("order");
  const more = document.getElementById("more");
  const looked = document.getElementById("looked");
  const files = Number(list.dataset.files);
  const ENOUGH = 200; // items that one press of the button adds at most, up to a file's worth
  let wanted = { columns: [], values: [] };
  let next = 0; // the file to read next
  let asked = 0; // how often the question has changed, so that an answer to an earlier one is dropped

  // Shows an item's rows of the wanted level, and the item if it has one and holds the filter's words; gives the rows.
  function fit(item) {
    const heads = [...item.querySelectorAll("thead th")].map((head) => head.textContent);
    let rows = 0;
    for (const row of item.querySelectorAll("tr.outcome")) {
      row.hidden = !wanted.columns.every((name, i) => {
        const cell = row.cells[heads.indexOf(name)];
        return !cell || cell.textContent === wanted.values[i];
      });
      rows += !row.hidden;
    }
    item.hidden = (wanted.columns.length > 0 && rows === 0) || !holds(item, words(filter));
    return item.hidden ? 0 : rows;
  }

  // The order of the items: as the page has them, or by how sure the model is, or by whether it is right.
  const ORDERS = {
    rank: () => 0,
    surest: (item) => -(item.dataset.p || -1),
    doubtful: (item) => Number(item.dataset.p || 2),
    wrong: (item) => Number(item.dataset.mark === "right"),
    right: (item) => Number(item.dataset.mark !== "right"),
  };
  const ranks = (item) => item.dataset.rank.split(" ").map(Number);

  function arrange() {
    const key = ORDERS[order.value];
    const items = [...list.children].map((item) => [key(item), ...ranks(item), item]);
    items.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2] || (a[3].id < b[3].id ? -1 : 1));
    list.append(...items.map((item) => item[3]));
  }
  order.addEventListener("change", arrange);

  function tell() {
    const shown = [...list.children].filter((item) => !item.hidden);
    const rows = shown.flatMap((item) => [...item.querySelectorAll("tr.outcome")]).filter((row) => !row.hidden).length;
    const where = wanted.columns.map((name, i) => `${name} = ${wanted.values[i]}`).join(", ");
    level.textContent = wanted.columns.length ? `${where}: ${rows} rows of ${shown.length} of the items below.` : "";
    found.textContent = filter.value ? `${shown.length} of ${list.children.length} items` : "";
    all.hidden = !wanted.columns.length;
  }

  function ask() {
    asked += 1;
    next = 0;
    for (const item of list.querySelectorAll(".fetched")) item.remove();
    for (const item of list.children) fit(item);
    if (more) {
      more.disabled = false;
      looked.textContent = "";
    }
    tell();
  }

  function show(columns, values) {
    wanted = { columns, values };
    ask();
  }

  filter.addEventListener("input", ask);
  all.addEventListener("click", () => show([], []));
  for (const button of document.querySelectorAll("button.number")) {
    button.addEventListener("click", () => {
      show(JSON.parse(button.dataset.columns), JSON.parse(button.dataset.level));
      document.getElementById("items").scrollIntoView();
      const first = list.querySelector("details.item:not([hidden]) > summary");
      if (first) first.focus({ preventScroll: true });
    });
  }

  // A page opened from a disk may not read files, but it may load scripts; each calls this with its packed items.
  const waiting = new Map();
  globalThis.shownItems = (key, n, packed) => waiting.get(n)?.(key, packed);

  function load(n) {
    const name = `${list.dataset.rest}/${String(n).padStart(5, "0")}.js`;
    const script = document.createElement("script");
    const packed = new Promise((resolve, reject) => {
      waiting.set(n, (key, data) => {
        if (key === list.dataset.key) resolve(data);
        else reject(new Error(`${name} belongs to another version of this page`));
      });
      script.onerror = () => reject(new Error(`${name} is not beside this page`));
      script.onload = () => reject(new Error(`${name} is damaged`)); // too late to matter if the data came
      script.src = name;
      document.head.append(script);
    });
    return packed.then(unpack).finally(() => {
      waiting.delete(n);
      script.remove();
    });
  }

  async function unpack(packed) {
    const bytes = Uint8Array.from(atob(packed), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  }

  // The filter's words as they are written in HTML: looking through that is far quicker than making elements of it.
  const WRITTEN = { "&": "&amp;", "<": "&lt;", ">": "&gt;", "'": "&#39;", '"': "&#34;" };
  const written = () => words(filter).map((word) => word.replace(/[&<>'"]/g, (c) => WRITTEN[c]));

  async function look() {
    const question = asked;
    const sought = written();
    let added = 0;
    more.disabled = true;
    try {
      while (next < files && added < ENOUGH) {
        const items = await load(next);
        if (question !== asked) return;
        next += 1;
        for (const html of items) {
          const plain = sought.length ? html.toLowerCase() : "";
          if (!sought.every((word) => plain.includes(word))) continue;
          const holder = document.createElement("template");
          holder.innerHTML = html;
          const item = holder.content.firstElementChild;
          fit(item);
          if (item.hidden) continue;
          item.classList.add("fetched");
          list.append(item);
          added += 1;
        }
        arrange();
        looked.textContent = `${next} of ${files} files looked through, ${list.querySelectorAll(".fetched").length} items added`;
      }
      more.disabled = next === files;
    } catch (error) {
      looked.textContent = `${error.message}; all items are in calls.jsonl of the run.`;
      more.disabled = false;
    }
    tell();
  }
  if (more) more.addEventListener("click", look);

  function open() {
    const target = location.hash.startsWith("#item-") && document.getElementById(location.hash.slice(1));
    if (target) target.open = true;
  }
  addEventListener("hashchange", open);
  open();
}
