// Sorts and filters the tables of a report: a click or Enter on a heading sorts by its column
// (again: the other way round), the field above a table keeps the rows that hold all its words.
// Empty cells stay last. Without this script the tables stand as they are.
"use strict";
(() => {
  const exact = (cell) => cell.title || cell.textContent;

  function compare(a, b, numeric) {
    if (numeric) return Number(a) - Number(b);
    return a.localeCompare(b, "en", { numeric: true });
  }

  function sort(table, column, direction) {
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => ({ row, cell: row.cells[column] }));
    const [full, empty] = [[], []];
    for (const each of rows) (each.cell.className === "none" ? empty : full).push(each);
    const numeric = full.length > 0 && full.every((each) => each.cell.className === "number");
    full.sort((a, b) => direction * compare(exact(a.cell), exact(b.cell), numeric));
    body.append(...full.concat(empty).map((each) => each.row));
  }

  function sortable(table) {
    const headings = [...table.tHead.rows[0].cells];
    headings.forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => {
        const up = heading.getAttribute("aria-sort") !== "ascending";
        for (const other of headings) other.removeAttribute("aria-sort");
        heading.setAttribute("aria-sort", up ? "ascending" : "descending");
        sort(table, column, up ? 1 : -1);
      });
    });
  }

  function filter(table, words, count) {
    const rows = [...table.tBodies[0].rows];
    let shown = 0;
    for (const row of rows) {
      const text = [...row.cells].map((cell) => cell.textContent).join("\t").toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      shown += row.hidden ? 0 : 1;
    }
    count.value = shown === rows.length ? `${rows.length} rows` : `${shown} of ${rows.length} rows`;
    // A sum over all rows would mislead below some of them.
    if (table.tFoot) table.tFoot.hidden = shown !== rows.length;
  }

  function filterable(table, number) {
    if (table.tBodies[0].rows.length < 6) return;
    const [bar, label, field, count] = ["div", "label", "input", "output"].map((name) => document.createElement(name));
    bar.className = "filter";
    field.type = "search";
    field.id = label.htmlFor = `filter-${number}`;
    label.textContent = `Filter ${table.caption.innerText}`;
    count.htmlFor.add(field.id);
    bar.append(label, field, count);
    table.closest(".scroll").before(bar);
    const words = () => field.value.toLowerCase().split(/\s+/).filter(Boolean);
    field.addEventListener("input", () => filter(table, words(), count));
    filter(table, [], count);
  }

  function reachable(table) {
    // A frame that scrolls must be reached by keyboard, and then has to have a name.
    const frame = table.closest(".scroll");
    frame.tabIndex = 0;
    frame.setAttribute("role", "region");
    frame.setAttribute("aria-label", `Table: ${table.caption.textContent}`);
  }

  document.querySelectorAll("table[data-sortable]").forEach((table, number) => {
    sortable(table);
    filterable(table, number);
    reachable(table);
  });
})();
