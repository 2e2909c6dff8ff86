// Browses nights: true and predicted stages, the outlines of the signals where the page has them,
// and the shares of relevance of every epoch, on a canvas. Hover or arrow keys choose an epoch, + and − or the wheel (once the picture was clicked)
// zoom, dragging pans. To a screen reader it is a slider over the epochs that says each in words.
"use strict";
(() => {
  const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  // Okabe & Ito 2008, in the order of the study's figures.
  const COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"];
  const WRONG = "#d55e00";
  const [LEFT, RIGHT, TOP, ROW, GAP, SIGNAL, SHARES, AXIS] = [56, 12, 10, 17, 14, 56, 130, 40];
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

  class Browser {
    constructor(root, id) {
      this.data = JSON.parse(root.querySelector("script").textContent);
      this.canvas = element("canvas");
      this.view = element("div", { className: "view", tabIndex: 0 }, this.canvas);
      this.readout = element("p", { className: "readout" });
      this.readout.setAttribute("aria-hidden", "true");
      for (const [name, value] of [["role", "slider"], ["aria-label", "Epoch of the night"], ["aria-orientation", "horizontal"]]) {
        this.view.setAttribute(name, value);
      }
      root.append(this.choices(id), this.legend(), this.view, this.readout, this.keys());
      this.listen();
      this.choose();
      new ResizeObserver(() => this.draw()).observe(this.view);
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
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
      const actions = [["Zoom in", () => this.zoom(0.5)], ["Zoom out", () => this.zoom(2)], ["Whole night", () => this.whole()],
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
      return element("div", { className: "legend" }, ...shares, part(WRONG, "prediction differs from the scorer"));
    }

    keys() {
      const textContent = "Keys: ← → epoch, Page Up and Page Down a tenth of the window, Home and End, + and − zoom, " +
        "0 whole night, e and E next and previous error. Drag to pan; click, then turn the wheel, to zoom.";
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

    at_x(x) {
      const [from, to] = this.window;
      return from + ((x - LEFT) / (this.canvas.clientWidth - LEFT - RIGHT)) * (to - from);
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
      const place = (event) => event.clientX - view.getBoundingClientRect().left;
      view.addEventListener("pointerdown", (event) => { drag = { x: event.clientX, from: this.window[0] }; view.setPointerCapture(event.pointerId); });
      for (const end of ["pointerup", "pointercancel"]) view.addEventListener(end, () => { drag = null; });
      view.addEventListener("pointermove", (event) => {
        const width = this.window[1] - this.window[0];
        if (drag) this.show(drag.from - ((event.clientX - drag.x) / (view.clientWidth - LEFT - RIGHT)) * width, width);
        else this.select(this.nearest(Math.min(Math.max(this.at_x(place(event)), this.window[0]), this.window[1] - 1e-6)));
      });
      view.addEventListener("dblclick", (event) => this.zoom(0.5, this.at_x(place(event))));
      view.addEventListener("wheel", (event) => {
        // The page scrolls on unless the picture was chosen first.
        if (document.activeElement !== view && !event.ctrlKey) return;
        event.preventDefault();
        this.zoom(Math.exp(event.deltaY / 400), this.at_x(place(event)));
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

    // The night is painted once per window; a moving cursor only copies that picture.
    draw() {
      const [width, band, scale] = [this.view.clientWidth, this.data.stages.length * ROW, window.devicePixelRatio || 1];
      const signals = TOP + 2 * (band + GAP);
      const shares = signals + (this.outline ? this.outline.channels.length * (SIGNAL + GAP) : 0);
      const height = shares + SHARES + AXIS;
      const style = getComputedStyle(this.view);
      const colours = { ink: style.color, line: style.borderTopColor, font: `12px ${style.fontFamily}` };
      const [from, to] = this.window;
      const x = (seconds) => LEFT + ((seconds - from) / (to - from)) * (width - LEFT - RIGHT);
      const bands = { actual: TOP, predicted: TOP + band + GAP, signals, shares, end: height - AXIS };
      const state = JSON.stringify([from, to, width, scale, colours]);
      if (this.painted !== state || this.paintedNight !== this.night) {
        [this.painted, this.paintedNight] = [state, this.night];
        this.still = element("canvas");
        for (const canvas of [this.still, this.canvas]) {
          [canvas.width, canvas.height, canvas.style.height] = [Math.round(width * scale), Math.round(height * scale), `${height}px`];
        }
        this.paint(this.still.getContext("2d"), colours, x, bands, width, scale);
      }
      const pen = this.canvas.getContext("2d");
      pen.setTransform(1, 0, 0, 1, 0, 0);
      pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
      if (this.still.width > 0) pen.drawImage(this.still, 0, 0);
      pen.scale(scale, scale);
      pen.save();
      this.clip(pen, bands, width);
      this.cursor(pen, colours, x, bands.shares + SHARES);
      pen.restore();
    }

    clip(pen, bands, width) {
      pen.beginPath();
      pen.rect(LEFT, 0, width - LEFT - RIGHT, bands.end);
      pen.clip();
    }

    paint(pen, colours, x, bands, width, scale) {
      const [from, to] = this.window;
      const seen = this.epochs.slice(Math.max(0, this.nearest(from) - 1), this.nearest(to) + 1);
      pen.scale(scale, scale);
      pen.font = colours.font;
      this.axes(pen, colours, x, bands, width);
      if (this.outline) this.signalAxes(pen, colours, bands, width);
      this.clip(pen, bands, width);
      if (this.outline) this.signals(pen, x, bands.signals, seen);
      this.stages(pen, colours, x, bands.actual, seen, "actual");
      this.stages(pen, colours, x, bands.predicted, seen, "predicted");
      this.shares(pen, x, bands.shares, seen);
    }

    axes(pen, colours, x, bands, width) {
      const { stages } = this.data;
      pen.lineWidth = 1;
      const line = (x0, y0, x1, y1) => { pen.beginPath(); pen.moveTo(x0, y0); pen.lineTo(x1, y1); pen.stroke(); };
      [pen.strokeStyle, pen.fillStyle, pen.textAlign, pen.textBaseline] = [colours.line, colours.ink, "right", "middle"];
      for (const [top, title] of [[bands.actual, "true"], [bands.predicted, "predicted"]]) {
        stages.forEach((stage, s) => {
          const y = top + (s + 0.5) * ROW;
          line(LEFT, y, width - RIGHT, y);
          pen.fillText(stage, LEFT - 7, y);
        });
        this.turned(pen, title, top + (stages.length * ROW) / 2);
      }
      for (const percent of [0, 50, 100]) pen.fillText(String(percent), LEFT - 7, bands.shares + SHARES * (1 - percent / 100));
      this.turned(pen, "share [%]", bands.shares + SHARES / 2);
      this.times(pen, x, bands.shares + SHARES, line);
    }

    turned(pen, words, y) {
      pen.save();
      pen.translate(11, y);
      pen.rotate(-Math.PI / 2);
      pen.textAlign = "center";
      pen.fillText(words, 0, 0);
      pen.restore();
    }

    times(pen, x, bottom, line) {
      const [from, to] = this.window;
      const most = Math.max(2, (x(to) - x(from)) / 90);
      const steps = [30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400];
      const step = steps.find((seconds) => (to - from) / seconds <= most) ?? 28800;
      [pen.textAlign, pen.textBaseline] = ["center", "top"];
      for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
        line(x(at), TOP, x(at), bottom + 4);
        pen.fillText(clock(at), Math.min(x(at), x(to) - 14), bottom + 7);
      }
      pen.fillText("time since the start of the recording [h:min:s]", (x(from) + x(to)) / 2, bottom + 22);
    }

    stages(pen, colours, x, top, seen, which) {
      const y = (stage) => top + (stage + 0.5) * ROW;
      pen.beginPath();
      let last = null;
      for (const epoch of seen) {
        const joined = last && Math.abs(last.onset + this.night.seconds - epoch.onset) < 0.01;
        pen[joined ? "lineTo" : "moveTo"](x(epoch.onset), y(epoch[which]));
        pen.lineTo(x(epoch.onset + this.night.seconds), y(epoch[which]));
        last = epoch;
      }
      [pen.strokeStyle, pen.lineWidth] = [colours.ink, 1.5];
      pen.stroke();
      if (which === "actual") return;
      pen.beginPath();
      for (const epoch of seen.filter((epoch) => epoch.actual !== epoch.predicted)) {
        pen.moveTo(x(epoch.onset), y(epoch.predicted));
        pen.lineTo(x(epoch.onset + this.night.seconds), y(epoch.predicted));
      }
      [pen.strokeStyle, pen.lineWidth] = [WRONG, 4];
      pen.stroke();
    }

    colour(channel) {
      const m = this.data.modalities.indexOf(channel);
      return m < 0 ? "#7a7a7a" : COLOURS[m % COLOURS.length];
    }

    signalAxes(pen, colours, bands, width) {
      const { channels, scale } = this.outline;
      channels.forEach((channel, c) => {
        const top = bands.signals + c * (SIGNAL + GAP);
        [pen.strokeStyle, pen.lineWidth, pen.fillStyle] = [colours.line, 1, colours.ink];
        pen.beginPath();
        pen.moveTo(LEFT, top + SIGNAL / 2);
        pen.lineTo(width - RIGHT, top + SIGNAL / 2);
        pen.stroke();
        [pen.textAlign, pen.textBaseline] = ["right", "middle"];
        const reach = Number(scale[c].toPrecision(2));
        pen.fillText(`${reach}`, LEFT - 6, top + 6);
        pen.fillText(`−${reach}`, LEFT - 6, top + SIGNAL - 6);
        this.turned(pen, `${channel} [${this.data.signals.unit}]`, top + SIGNAL / 2);
      });
    }

    // Least to greatest value of each piece of an epoch; pieces narrower than a pixel are drawn together.
    signals(pen, x, top, seen) {
      const { pieces } = this.data.signals;
      const { channels, levels } = this.outline;
      const long = this.night.seconds / pieces;
      channels.forEach((channel, c) => {
        const y = (level) => top + c * (SIGNAL + GAP) + SIGNAL * (1 - level / 63);
        pen.fillStyle = this.colour(channel);
        let open = null;
        const close = () => {
          if (open) pen.fillRect(open.left, y(open.high), Math.max(open.right - open.left, 0.6), Math.max(y(open.low) - y(open.high), 0.6));
        };
        for (const epoch of seen) {
          const start = 2 * pieces * (epoch.number * channels.length + c);
          if (start + 2 * pieces > levels.length) continue;
          for (let piece = 0; piece < pieces; piece++) {
            const [low, high] = [digit(levels, start + 2 * piece), digit(levels, start + 2 * piece + 1)];
            const left = x(epoch.onset + piece * long);
            const right = x(epoch.onset + (piece + 1) * long);
            if (open && right - open.left < 1 && left - open.right < 0.5) {
              [open.right, open.low, open.high] = [right, Math.min(open.low, low), Math.max(open.high, high)];
            } else {
              close();
              open = { left, right, low, high };
            }
          }
        }
        close();
      });
    }

    // Modality by modality, so that the colour is set once. (One path of all bars is several times slower.)
    shares(pen, x, top, seen) {
      const bottoms = new Float64Array(seen.length).fill(top + SHARES);
      this.data.modalities.forEach((_, m) => {
        pen.fillStyle = COLOURS[m % COLOURS.length];
        seen.forEach((epoch, at) => {
          const height = ((epoch.shares[m] ?? 0) / 100) * SHARES;
          bottoms[at] -= height;
          const left = x(epoch.onset);
          pen.fillRect(left, bottoms[at], x(epoch.onset + this.night.seconds) - left + 0.4, height);
        });
      });
    }

    cursor(pen, colours, x, bottom) {
      const { onset } = this.epochs[this.at];
      const [left, right] = [x(onset), x(onset + this.night.seconds)];
      [pen.strokeStyle, pen.lineWidth] = [colours.ink, 1.5];
      pen.strokeRect(left - 0.75, TOP - 4, Math.max(right - left, 2) + 1.5, bottom - TOP + 4);
    }
  }

  document.querySelectorAll("[data-night]").forEach((root, number) => new Browser(root, `night-${number}`));
})();
