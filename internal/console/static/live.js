"use strict";
// The live outcomes: rows that the server sends as they come (server-sent events, of which the browser
// knows how to connect again) go to the top of the table. Text of others is escaped by the server, and
// the policy of the page lets no script of it run.
(() => {
  const bar = document.querySelector("[data-stream]");
  const rows = document.querySelector("[data-rows]");
  if (!bar || !rows || !window.EventSource) return;
  const button = bar.querySelector("[data-pause]");
  const state = bar.querySelector("[data-state]");
  const counts = bar.querySelector("[data-counts]");
  const most = 200;
  let source = null;
  let paused = false;
  let left = 0;
  let unread = 0;
  let fault = "";

  // Only a change of the state is announced: rows and counts are not.
  const say = (text) => {
    if (state.textContent !== text) state.textContent = text;
  };
  const count = () => {
    const parts = [];
    if (left) parts.push(`${left.toLocaleString("en")} left out`);
    if (unread) parts.push(`${unread.toLocaleString("en")} not looked at`);
    counts.textContent = parts.join(", ");
  };
  const show = (html) => {
    const part = document.createElement("template");
    part.innerHTML = html;
    if (rows.contains(document.activeElement)) { // nothing moves away under the reader's focus
      left += part.content.querySelectorAll("tr").length;
      count();
      return;
    }
    rows.prepend(part.content);
    while (rows.children.length > most) rows.lastElementChild.remove();
    const empty = document.querySelector(".empty");
    if (empty) empty.remove();
  };
  const close = () => {
    if (source) source.close();
    source = null;
  };
  const open = () => {
    close();
    say("Connecting");
    source = new EventSource(bar.dataset.stream);
    source.addEventListener("open", () => say(fault || "Live"));
    source.addEventListener("rows", (e) => show(e.data));
    source.addEventListener("left", (e) => {
      const [out, not] = e.data.split(" ").map(Number);
      left += out;
      unread += not;
      count();
    });
    source.addEventListener("fault", (e) => {
      fault = e.data;
      say(fault || "Live");
    });
    source.addEventListener("error", () => {
      const ended = source && source.readyState === EventSource.CLOSED;
      say(ended ? "Not live: too many people look, or you have to log in again. Load the page again." : "The connection is lost, trying again");
    });
  };
  // A row says that outcomes are missing, since the stream goes on with those that come.
  const gap = () => {
    const first = rows.firstElementChild;
    if (!first || first.className === "gap") return;
    const row = document.createElement("tr");
    row.className = "gap";
    const cell = row.insertCell();
    cell.colSpan = 8;
    cell.textContent = "What came while the page was paused is not shown: load it again for the newest.";
    rows.prepend(row);
  };
  const turn = () => {
    button.textContent = paused ? "Go on" : "Pause";
    if (!paused && !document.hidden) {
      open();
      return;
    }
    close();
    say("Paused");
    gap();
  };
  button.addEventListener("click", () => {
    paused = !paused;
    turn();
  });
  document.addEventListener("visibilitychange", turn); // nobody looks at a page that is not seen
  window.addEventListener("pagehide", close);
  bar.hidden = false;
  turn();
})();
