"use strict";
// Sorting, filtering, and from a number to the rows behind it. Without it the page is whole, only less handy.
document.documentElement.classList.add("scripted");

for (const input of document.querySelectorAll("[data-filter]")) {
  const target = document.getElementById(input.dataset.filter);
  const rows = target.tBodies ? target.tBodies[0].rows : target.children;
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
  });
}

for (const table of document.querySelectorAll("table[data-sortable]")) {
  for (const head of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const key = (row) => {
        const cell = row.cells[head.cellIndex];
        return "value" in cell.dataset ? cell.dataset.value : cell.textContent.trim();
      };
      const rows = [...table.tBodies[0].rows];
      rows.sort((a, b) => key(a).localeCompare(key(b), "en", { numeric: true }));
      const numbers = rows.every((row) => key(row) === "" || Number.isFinite(Number(key(row))));
      if (numbers) rows.sort((a, b) => Number(key(a)) - Number(key(b)));
      table.tBodies[0].append(...(down ? rows.reverse() : rows));
    });
  }
}

const all = document.getElementById("all");
const level = document.getElementById("level");

// Shows only the outcome rows whose columns have the level's values, and only the items that have such rows.
function show(columns, values) {
  let rows = 0;
  let items = 0;
  for (const item of document.querySelectorAll("details.item")) {
    const heads = [...item.querySelectorAll("thead th")].map((head) => head.textContent);
    let here = 0;
    for (const row of item.querySelectorAll("tr.outcome")) {
      row.hidden = !columns.every((name, i) => {
        const cell = row.cells[heads.indexOf(name)];
        return !cell || cell.textContent === values[i];
      });
      here += !row.hidden;
    }
    item.classList.toggle("elsewhere", values.length > 0 && here === 0);
    rows += here;
    items += here > 0;
  }
  const where = columns.map((name, i) => `${name} = ${values[i]}`).join(", ");
  level.textContent = values.length ? `${where}: ${rows} rows of ${items} of the items below.` : "";
  all.hidden = !values.length;
}

for (const button of document.querySelectorAll("button.number")) {
  button.addEventListener("click", () => {
    show(JSON.parse(button.parentElement.dataset.columns), JSON.parse(button.dataset.level));
    document.getElementById("items").scrollIntoView();
    const first = document.querySelector("details.item:not(.elsewhere) > summary");
    if (first) first.focus({ preventScroll: true });
  });
}
all.addEventListener("click", () => show([], []));
