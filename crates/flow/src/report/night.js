// Browses recordings: true and predicted classes, the outlines of the signals where the page has them, and
// the shares of relevance of every epoch, drawn by uPlot in panels over one time axis. Hover or arrow keys
// choose an epoch, + and − or the wheel (once the picture was clicked) zoom, dragging pans. To a screen
// reader it is a slider over the epochs that says each in words.
"use strict";
(() => {
  const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  // Okabe & Ito 2008, in the order of the study's figures.
  const COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"];
  const WRONG = "#d55e00";
  // Heights of a class, a signal, the shares and the time axis; space over and under a panel.
  const [ROW, SIGNAL, SHARES, AXIS, SPACE] = [17, 62, 130, 48, 8];
  const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800];
  const VALUES = new Uint8Array(128);
  [...DIGITS].forEach((letter, value) => { VALUES[letter.charCodeAt(0)] = value; });
  const digit = (text, at) => VALUES[text.charCodeAt(at)];

  const element = (name, properties, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };
  const clock = (seconds) => {
    const two = (n) => String(Math.floor(n)).padStart(2, "0");
    return `${Math.floor(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}`;
  };

  function unpack(night, modalities) {
    const epochs = [];
    for (const [first, onset, length] of night.runs) {
      for (let k = 0; k < length; k++) {
        const at = epochs.length;
        const shares = modalities.map((_, m) => {
          const place = 2 * (at * modalities.length + m);
          const code = 64 * digit(night.shares, place) + digit(night.shares, place + 1);
          return code > 4000 ? null : code / 40;
        });
        const [actual, predicted] = [digit(night.true, at), digit(night.predicted, at)];
        epochs.push({ number: first + k, onset: onset + k * night.seconds, actual, predicted, shares });
      }
    }
    return epochs;
  }

  // Times at which something begins, with the end of each run of epochs and, just after it, nothing.
  // * `per`: pieces of an epoch
  // * `values`: functions of (epoch, piece), one a series; they are drawn up to the next time
  function steps(epochs, seconds, per, values) {
    const [times, ...series] = [[], ...values.map(() => [])];
    epochs.forEach((epoch, at) => {
      for (let piece = 0; piece < per; piece++) {
        times.push(epoch.onset + (piece * seconds) / per);
        values.forEach((value, v) => series[v].push(value(epoch, piece)));
      }
      const end = epoch.onset + seconds;
      const next = epochs[at + 1];
      if (next && next.onset - end < 0.01) return;
      times.push(end, end + 0.001);
      series.forEach((one) => one.push(one[one.length - 1], null));
    });
    return [times, ...series];
  }

  // The path of a signal between two series, least and greatest value: one shape a run, which is filled much faster
  // than two lines and a band between them. Pieces narrower than a pixel are drawn together.
  function outline(plot, series, first, last) {
    const [times, lows, highs] = [plot.data[0], plot.data[series - 1], plot.data[series]];
    const [x, y] = ["x", "y"].map((scale) => (value) => plot.valToPos(value, scale, true));
    const fill = new Path2D();
    let columns = [];
    const close = () => {
      if (columns.length === 0) return;
      const end = columns[columns.length - 1];
      fill.moveTo(end.right, y(end.low) + 0.4);
      fill.lineTo(end.right, y(end.high) - 0.4);
      for (const { left, high } of [...columns].reverse()) fill.lineTo(left, y(high) - 0.4);
      for (const { left, low } of columns) fill.lineTo(left, y(low) + 0.4);
      fill.closePath();
      columns = [];
    };
    for (let at = first; at <= last; at++) {
      const [low, high] = [lows[at], highs[at]];
      if (high === null || at + 1 >= times.length) { close(); continue; }
      const [left, right] = [x(times[at]), x(times[at + 1])];
      const open = columns[columns.length - 1];
      if (open && right - open.left < 1) {
        [open.right, open.low, open.high] = [right, Math.min(open.low, low), Math.max(open.high, high)];
      } else columns.push({ left, right, low, high });
    }
    close();
    return { fill };
  }

  class Browser {
    constructor(root, id) {
      this.data = JSON.parse(root.querySelector("script").textContent);
      this.view = element("div", { className: "view", tabIndex: 0 });
      this.readout = element("p", { className: "readout" });
      this.readout.setAttribute("aria-hidden", "true");
      for (const [name, value] of [["role", "slider"], ["aria-label", "Epoch of the recording"], ["aria-orientation", "horizontal"]]) {
        this.view.setAttribute(name, value);
      }
      root.append(this.choices(id), this.legend(), this.view, this.readout, this.keys());
      this.listen();
      this.choose();
      new ResizeObserver(() => this.resize()).observe(this.view);
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { this.dress(); this.plots.forEach((plot) => plot.redraw(false, true)); });
    }

    choices(id) {
      const bar = element("div", { className: "bar" });
      this.selects = {};
      for (const field of ["source", "recording", "fold"]) {
        const values = [...new Set(this.data.nights.map((night) => night[field]))];
        const select = element("select", { id: `${id}-${field}` }, ...values.map((value) => element("option", { value, textContent: value })));
        select.addEventListener("change", () => this.choose(field));
        this.selects[field] = select;
        const title = field === "source" ? "Result" : field[0].toUpperCase() + field.slice(1);
        if (values.length > 1) bar.append(element("label", { htmlFor: select.id }, title, select));
      }
      const actions = [["Zoom in", () => this.zoom(0.5)], ["Zoom out", () => this.zoom(2)], ["Whole recording", () => this.whole()],
        ["Previous error", () => this.seek(-1)], ["Next error", () => this.seek(1)]];
      for (const [textContent, act] of actions) {
        const button = element("button", { type: "button", textContent });
        button.addEventListener("click", act);
        bar.append(button);
      }
      return bar;
    }

    legend() {
      const part = (colour, words) => {
        const patch = element("i");
        patch.style.background = colour;
        return element("span", {}, patch, words);
      };
      const shares = this.data.modalities.map((name, m) => part(COLOURS[m % COLOURS.length], name));
      return element("div", { className: "legend" }, ...shares, part(WRONG, "prediction differs from the label"),
        ...(this.data.signals ? [element("span", { textContent: `signals in ${this.data.signals.unit}` })] : []));
    }

    keys() {
      const textContent = "Keys: ← → epoch, Page Up and Page Down a tenth of the window, Home and End, + and − zoom, " +
        "0 whole recording, e and E next and previous error. Drag to pan; click, then turn the wheel, to zoom.";
      return element("p", { className: "keys", textContent });
    }

    // Shows what is selected; a recording that the fold did not test moves the fold.
    choose(changed) {
      const { source, recording, fold } = this.selects;
      const fits = (night, fields) => fields.every((field) => night[field] === this.selects[field].value);
      const wishes = [["source", "recording", "fold"], changed === "fold" ? ["source", "fold"] : ["source", "recording"], ["source"], []];
      const night = wishes.map((fields) => this.data.nights.find((night) => fits(night, fields))).find(Boolean);
      if (!night) return;
      const same = this.night && this.night.recording === night.recording && this.night.runs.length === night.runs.length;
      [source.value, recording.value, fold.value] = [night.source, night.recording, night.fold];
      this.night = night;
      this.outline = this.data.signals?.of[night.recording] ?? null;
      this.epochs = unpack(night, this.data.modalities);
      this.end = this.epochs[this.epochs.length - 1].onset + night.seconds;
      this.build();
      if (same) this.select(Math.min(this.at, this.epochs.length - 1));
      else { this.at = 0; this.whole(); }
    }

    whole() { this.window = [this.epochs[0].onset, this.end]; this.select(this.at); }

    show(from, width) {
      const first = this.epochs[0].onset;
      const span = Math.min(Math.max(width, 4 * this.night.seconds), this.end - first);
      const start = Math.min(Math.max(from, first), this.end - span);
      this.window = [start, start + span];
      this.later();
    }

    zoom(factor, around) {
      const [from, to] = this.window;
      const here = this.epochs[this.at].onset + this.night.seconds / 2;
      const fixed = around ?? (here >= from && here <= to ? here : (from + to) / 2);
      this.show(fixed - (fixed - from) * factor, (to - from) * factor);
    }

    pan(seconds) { this.show(this.window[0] + seconds, this.window[1] - this.window[0]); }

    select(at) {
      this.at = Math.min(Math.max(at, 0), this.epochs.length - 1);
      const { onset } = this.epochs[this.at];
      const [from, to] = this.window;
      if (onset < from) this.pan(onset - from);
      if (onset + this.night.seconds > to) this.pan(onset + this.night.seconds - to);
      this.say();
      this.later();
    }

    seek(step) {
      let at = this.at + step;
      while (this.epochs[at] && this.epochs[at].actual === this.epochs[at].predicted) at += step;
      if (this.epochs[at]) this.select(at);
    }

    say() {
      const epoch = this.epochs[this.at];
      const { stages, modalities } = this.data;
      const shares = modalities.map((name, m) => `${name} ${epoch.shares[m] === null ? "none" : `${epoch.shares[m].toFixed(1)} %`}`);
      const verdict = epoch.actual === epoch.predicted ? "right" : "wrong";
      const text = `Epoch ${epoch.number} at ${clock(epoch.onset)}: true ${stages[epoch.actual]}, predicted ` +
        `${stages[epoch.predicted]} (${verdict}); ${shares.join(", ")}`;
      this.readout.textContent = text;
      const values = { valuemin: 0, valuemax: this.epochs.length - 1, valuenow: this.at, valuetext: text };
      for (const [name, value] of Object.entries(values)) this.view.setAttribute(`aria-${name}`, value);
      this.view.dataset.window = this.window.join(" ");
    }

    at_x(clientX) {
      const { left, width } = this.plots[0].over.getBoundingClientRect();
      const [from, to] = this.window;
      return from + ((clientX - left) / width) * (to - from);
    }

    // The epoch at a moment, or the nearest before it, by halving.
    nearest(seconds) {
      let [low, high] = [0, this.epochs.length - 1];
      while (low < high) {
        const middle = (low + high + 1) >> 1;
        if (this.epochs[middle].onset <= seconds) low = middle; else high = middle - 1;
      }
      return low;
    }

    listen() {
      const { view } = this;
      let drag = null;
      view.addEventListener("pointerdown", (event) => { drag = { x: event.clientX, from: this.window[0] }; view.setPointerCapture(event.pointerId); });
      for (const end of ["pointerup", "pointercancel"]) view.addEventListener(end, () => { drag = null; });
      view.addEventListener("pointermove", (event) => {
        const width = this.window[1] - this.window[0];
        if (drag) this.show(drag.from - ((event.clientX - drag.x) / this.plots[0].over.clientWidth) * width, width);
        else this.select(this.nearest(Math.min(Math.max(this.at_x(event.clientX), this.window[0]), this.window[1] - 1e-6)));
      });
      view.addEventListener("dblclick", (event) => this.zoom(0.5, this.at_x(event.clientX)));
      view.addEventListener("wheel", (event) => {
        // The page scrolls on unless the picture was chosen first.
        if (document.activeElement !== view && !event.ctrlKey) return;
        event.preventDefault();
        this.zoom(Math.exp(event.deltaY / 400), this.at_x(event.clientX));
      }, { passive: false });
      view.addEventListener("keydown", (event) => this.key(event));
    }

    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const window = this.epochs.filter((epoch) => epoch.onset >= this.window[0] && epoch.onset < this.window[1]).length;
      const leap = Math.max(1, Math.round(window / 10));
      const actions = {
        ArrowRight: () => this.select(this.at + 1), ArrowLeft: () => this.select(this.at - 1),
        ArrowUp: () => this.select(this.at + 1), ArrowDown: () => this.select(this.at - 1),
        PageDown: () => this.select(this.at - leap), PageUp: () => this.select(this.at + leap),
        Home: () => this.select(0), End: () => this.select(this.epochs.length - 1),
        "+": () => this.zoom(0.5), "=": () => this.zoom(0.5), "-": () => this.zoom(2), "0": () => this.whole(),
        e: () => this.seek(1), E: () => this.seek(-1),
      };
      if (!actions[event.key]) return;
      event.preventDefault();
      actions[event.key]();
    }

    later() {
      this.view.dataset.window = this.window.join(" ");
      if (this.waiting) return;
      this.waiting = requestAnimationFrame(() => { this.waiting = 0; this.draw(); });
    }

    // Moves the panels to the window and the frame to the epoch; what did not change is not drawn again.
    draw() {
      const [min, max] = this.window;
      const { onset } = this.epochs[this.at];
      for (const plot of this.plots) {
        const { x } = plot.scales;
        if (x.min !== min || x.max !== max) plot.batch(() => plot.setScale("x", { min, max }));
        // The panel's own numbers, for asking the page would lay it out anew at every step.
        const [width, height] = [plot.bbox.width / uPlot.pxRatio, plot.bbox.height / uPlot.pxRatio];
        const place = (seconds) => Math.min(Math.max(plot.valToPos(seconds, "x"), 0), width);
        const [left, right] = [place(onset), place(onset + this.night.seconds)];
        const below = plot === this.plots[this.plots.length - 1] ? 0 : SPACE;
        plot.setSelect({ left, top: -SPACE, width: Math.max(right - left, 2), height: height + SPACE + below }, false);
      }
    }

    resize() {
      const width = this.view.clientWidth;
      for (const plot of this.plots) if (plot.width !== width) plot.setSize({ width, height: plot.height });
      this.later();
    }

    dress() {
      const style = getComputedStyle(this.view);
      [this.ink, this.line, this.font] = [style.color, style.borderTopColor, `12px ${style.fontFamily}`];
    }

    // The panels of a recording, from the top to the bottom.
    build() {
      this.dress();
      this.plots?.forEach((plot) => plot.destroy());
      this.gutter = 12 + this.widest(["−0.00e0", ...this.data.stages]);
      const panels = [this.classes("true", "actual"), this.classes("predicted", "predicted"), ...this.signals(), this.shares()];
      this.plots = panels.map((panel, at) => this.plot(panel, at + 1 === panels.length));
    }

    widest(words) {
      const pen = element("canvas").getContext("2d");
      pen.font = this.font;
      return Math.min(160, Math.max(...words.map((word) => pen.measureText(word).width)));
    }

    plot({ title, height, range, ticks, labels, series, data }, last) {
      const ink = () => this.ink;
      const axis = { font: this.font, labelFont: this.font, stroke: ink, grid: { stroke: () => this.line, width: 1 }, ticks: { show: false } };
      const time = { ...axis, incrs: STEPS, space: 90 };
      const hidden = { ...time, size: 0, values: (_, at) => at.map(() => "") };
      const shown = { ...time, size: 24, values: (_, at) => at.map(clock), label: "time since the start of the recording [h:min:s]", labelSize: AXIS - 24, labelGap: 2 };
      const values = { ...axis, label: title, labelSize: 18, labelGap: 0, size: this.gutter, gap: 6, splits: () => ticks, values: () => labels };
      return new uPlot({
        width: this.view.clientWidth,
        height: height + 2 * SPACE + (last ? AXIS : 0),
        padding: [SPACE, 14, SPACE, 0],
        scales: { x: { time: false, auto: false, range: (_, min, max) => [min, max] }, y: { range: () => range } },
        axes: [last ? shown : hidden, values],
        series: [{}, ...series.map((one) => ({ points: { show: false }, ...one }))],
        legend: { show: false },
        cursor: { show: false, drag: { x: false, y: false } },
        select: { show: true, over: true, left: 0, top: 0, width: 0, height: 0 },
      }, data, this.view);
    }

    classes(title, which) {
      const { stages } = this.data;
      const row = (stage) => stages.length - 1 - stage;
      const wrong = (epoch) => (which === "predicted" && epoch.actual !== epoch.predicted ? row(epoch.predicted) : null);
      const data = steps(this.epochs, this.night.seconds, 1, [(epoch) => row(epoch[which]), wrong]);
      // A bar is as wide as times are apart, and the ends of runs are no epochs.
      data[2] = data[2].map((value, at) => (data[0][at + 1] - data[0][at] > 0.01 ? value : undefined));
      const edge = (by) => ({ unit: 1, values: (plot) => plot.data[2].map((value) => (value == null ? null : value + by)) });
      const bars = uPlot.paths.bars({ size: [1, Infinity], align: 1, disp: { y0: edge(-0.13), y1: edge(0.13) } });
      return {
        title, data, height: stages.length * ROW, range: [-0.5, stages.length - 0.5],
        ticks: stages.map((_, stage) => row(stage)), labels: stages,
        series: [{ stroke: () => this.ink, width: 1.5, paths: uPlot.paths.stepped({ align: 1 }) }, { fill: WRONG, width: 0, paths: bars }],
      };
    }

    colour(channel) {
      const m = this.data.modalities.indexOf(channel);
      return m < 0 ? "#7a7a7a" : COLOURS[m % COLOURS.length];
    }

    // Least to greatest value of each piece of an epoch.
    signals() {
      if (!this.outline) return [];
      const { channels, scale, levels } = this.outline;
      const { pieces } = this.data.signals;
      const value = (c, bound) => (epoch, piece) => {
        const at = 2 * (pieces * (epoch.number * channels.length + c) + piece) + bound;
        return at < levels.length ? (digit(levels, at) / 31.5 - 1) * scale[c] : null;
      };
      return channels.map((channel, c) => {
        const colour = this.colour(channel);
        const reach = Number(scale[c].toPrecision(2));
        return {
          title: channel, height: SIGNAL, range: [-1.2 * scale[c], 1.2 * scale[c]],
          ticks: [-scale[c], 0, scale[c]], labels: [`−${reach}`, "0", `${reach}`],
          data: steps(this.epochs, this.night.seconds, pieces, [value(c, 0), value(c, 1)]),
          series: [{ show: false }, { fill: colour, width: 0, paths: outline }],
        };
      });
    }

    // Stacked: the sum of all first, then those of fewer, each painted over the one before.
    shares() {
      const { modalities } = this.data;
      const sum = (upTo) => ({ shares }) => (shares.includes(null) ? null : shares.slice(0, upTo + 1).reduce((a, b) => a + b));
      const order = modalities.map((_, m) => m).reverse();
      return {
        title: "share [%]", height: SHARES, range: [0, 100], ticks: [0, 50, 100], labels: ["0", "50", "100"],
        data: steps(this.epochs, this.night.seconds, 1, order.map(sum)),
        series: order.map((m) => ({ fill: COLOURS[m % COLOURS.length], width: 0, paths: uPlot.paths.stepped({ align: 1 }) })),
      };
    }
  }

  document.querySelectorAll("[data-night]").forEach((root, number) => new Browser(root, `night-${number}`));
})();
