"use strict";
// The threshold explorer: counts, cost and example photos follow the two handles. The rule is that of castproof:
// ACCEPT below the first threshold, REJECT from the second one, REVIEW between them.
(() => {
  const byId = (id) => document.getElementById(id);
  const data = JSON.parse(byId("explorer-data").textContent);
  const start = data.setting;
  let state = { ...start };
  const SHOWN = 8;
  const SMALL_STEP = 0.05, LARGE_STEP = 0.5; // in logits
  const PARTS = 10000;
  const handles = { accept: byId("handle-accept"), reject: byId("handle-reject") };
  const plot = byId("explorer-plot");
  const inputs = ["accept", "reject", "defect_rate", "miss", "false_alarm", "review"];

  // Numbers, written as Python writes them: what lies halfway goes to the even digit. Sums are first freed of what is
  // lost in their last digits, which depends on the order of adding.
  const freed = (x) => Number(x.toFixed(12));
  const oneDigit = (x) => (x % 1 === 0.25 ? x - 0.05 : x).toFixed(1);
  const whole = (x) => (x % 1 === 0.5 ? 2 * Math.round(x / 2) : Math.round(x)).toFixed(0);
  const grouped = (x) => whole(Number(x.toFixed(6))).replace(/\B(?=(\d{3})+$)/g, ",");
  const percent = (exact) => {
    const share = freed(exact);
    if (share === 0 || share === 1) return 100 * share + "%";
    if (share > 0 && share < 0.0005) return "<0.1%";
    if (share >= 0.9995 && share < 1) return ">99.9%";
    return oneDigit(100 * share) + "%";
  };
  const shortP = (p) => {
    if (p > 0 && p < 0.001) return "<0.001";
    if (p >= 0.9995 && p < 1) return ">0.999";
    return p.toFixed(3);
  };
  const significant = (x) => String(Number(x.toPrecision(4)));
  const rounded = (p, digits) => // of the smaller side, so that 0.9999 does not become 1
    p < 0.5 ? Number(p.toPrecision(digits)) : Number((1 - Number((1 - p).toPrecision(digits))).toFixed(12));

  // Places along the axis: logits of p_defective.
  const logit = (p) => Math.log(p) - Math.log1p(-p);
  const placeOf = (p) => {
    if (p <= 0 || p >= 1) return p <= 0 ? 0 : 100;
    return 100 * Math.min(Math.max((logit(p) - data.low) / (data.high - data.low), 0), 1);
  };
  const thresholdAt = (x) => {
    if (x <= data.low || x >= data.high) return x <= data.low ? 0 : 1;
    return rounded(1 / (1 + Math.exp(-x)), 3);
  };
  const logitOf = (p) => data.low + (placeOf(p) / 100) * (data.high - data.low);

  // What the gate does with one kind of parts.
  const verdictOf = (p) => (p >= state.reject ? "rejected" : p >= state.accept ? "reviewed" : "accepted");
  const tally = (kind) => {
    const found = {};
    for (const name of ["accepted", "reviewed", "rejected"]) found[name] = { share: 0, photos: 0, parts: 0 };
    const parts = data.p[kind];
    let photos = 0;
    parts.forEach((values, part) => {
      const weights = data.weight ? data.weight[kind][part] : null;
      const total = weights ? weights.reduce((sum, one) => sum + one, 0) : values.length;
      const weight = { accepted: 0, reviewed: 0, rejected: 0 };
      values.forEach((p, place) => {
        const name = verdictOf(p);
        weight[name] += weights ? weights[place] : 1;
        found[name].photos += 1;
      });
      photos += values.length;
      for (const [name, one] of Object.entries(found)) {
        one.share += weight[name] / total;
        one.parts += weight[name] > 0 ? 1 : 0;
      }
    });
    for (const one of Object.values(found)) one.share /= parts.length;
    return { ...found, of: photos, parts: parts.length };
  };

  const showFigures = () => {
    const told = { good: tally("good"), defective: tally("defective") };
    for (const [kind, one] of Object.entries(told)) {
      for (const name of ["accepted", "reviewed", "rejected"]) {
        const key = `${kind}-${name}`;
        byId(`${key}-share`).textContent = percent(one[name].share);
        const photos = byId(`${key}-photos`);
        if (photos) photos.textContent = `${grouped(one[name].photos)} of ${grouped(one.of)}`;
        byId(`${key}-parts`).textContent = `${grouped(one[name].parts)} of ${grouped(one.parts)}`;
      }
    }
    const rate = state.defect_rate;
    const { good, defective } = told;
    const mixed = (ofDefective, ofGood) => rate * ofDefective + (1 - rate) * ofGood;
    const load = mixed(defective.reviewed.share, good.reviewed.share);
    const cost = mixed(
      state.miss * defective.accepted.share + state.review * defective.reviewed.share,
      state.false_alarm * good.rejected.share + state.review * good.reviewed.share,
    );
    if (rate === null) {
      byId("review-load").textContent = byId("cost").textContent = "\u2014";
      byId("many-parts").textContent =
        "Type the share of defective parts on your line to see load and cost; the photos do not tell it.";
      return;
    }
    byId("review-load").textContent = percent(load);
    byId("cost").textContent = significant(freed(cost));
    byId("many-parts").textContent =
      `Of ${grouped(PARTS)} parts, ${grouped(PARTS * rate)} of them defective: ` +
      `${grouped(PARTS * rate * defective.accepted.share)} defective ones pass, ` +
      `${grouped(PARTS * (1 - rate) * good.rejected.share)} good ones are rejected, ` +
      `${grouped(PARTS * load)} are looked at by hand.`;
  };

  const captionOf = (one) => `${shortP(one.p)} ${verdictOf(one.p).replace(/ed$/, "").toUpperCase()}`;
  const madeTile = (one) => {
    const figure = document.createElement("figure");
    const label = one.defective ? "defective" : "good";
    figure.className = `tile ${label}`;
    const image = document.createElement("img");
    Object.assign(image, { src: one.source, width: one.width, height: one.height, alt: `Photo ${one.file}` });
    const caption = document.createElement("figcaption");
    for (const [tag, name, text] of [["strong", "", ""], ["span", "label", label], ["bdi", "file", one.part]]) {
      const element = document.createElement(tag);
      element.className = name;
      element.textContent = text;
      caption.append(element);
    }
    figure.append(image, caption);
    return figure;
  };
  const made = {}; // by group: the tiles that were shown before
  const tile = (key, one) => {
    made[key] ??= new Map();
    if (!made[key].has(one)) made[key].set(one, madeTile(one));
    const figure = made[key].get(one);
    figure.querySelector("strong").textContent = captionOf(one);
    return figure;
  };
  const chosen = {
    missed: () => data.examples.filter((one) => one.defective && verdictOf(one.p) === "accepted")
      .sort((a, b) => a.p - b.p),
    "false-alarms": () => data.examples.filter((one) => !one.defective && verdictOf(one.p) === "rejected")
      .sort((a, b) => b.p - a.p),
    nearest: () => {
      const ends = [placeOf(state.accept), placeOf(state.reject)];
      const far = (one) => Math.min(...ends.map((end) => Number(Math.abs(placeOf(one.p) - end).toFixed(6))));
      return [...data.examples].sort((a, b) => far(a) - far(b));
    },
  };
  const showExamples = () => {
    for (const [key, choose] of Object.entries(chosen)) {
      const photos = choose().slice(0, SHOWN);
      byId(`examples-${key}`).replaceChildren(...photos.map((one) => tile(key, one)));
      byId(`none-${key}`).hidden = photos.length > 0;
    }
  };

  const showSetting = () => {
    for (const [name, handle] of Object.entries(handles)) {
      const place = placeOf(state[name]);
      handle.style.left = `${place}%`;
      handle.setAttribute("aria-valuenow", state[name]);
      handle.setAttribute("aria-valuetext", `p_defective ${rounded(state[name], 4)}`);
    }
    byId("zone-accept").style.width = `${placeOf(state.accept)}%`;
    byId("zone-review").style.left = `${placeOf(state.accept)}%`;
    byId("zone-review").style.width = `${placeOf(state.reject) - placeOf(state.accept)}%`;
    byId("zone-reject").style.left = `${placeOf(state.reject)}%`;
    for (const name of inputs) {
      const field = byId(`set-${name}`);
      if (field !== document.activeElement) field.value = shownValue(name);
    }
    byId("explorer-reset").hidden = inputs.every((name) => state[name] === start[name]);
  };
  const shownValue = (name) => {
    if (name in handles) return String(rounded(state[name], 4));
    if (state[name] === null) return "";
    return significant(name === "defect_rate" ? 100 * state[name] : state[name]);
  };
  const show = () => {
    showSetting();
    showFigures();
    showExamples();
  };

  const move = (name, threshold) => { // the other handle gives way
    state[name] = threshold;
    if (name === "accept") state.reject = Math.max(state.reject, threshold);
    else state.accept = Math.min(state.accept, threshold);
    show();
  };
  const moveTo = (name, event) => {
    const box = plot.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    move(name, thresholdAt(data.low + share * (data.high - data.low)));
  };
  for (const [name, handle] of Object.entries(handles)) {
    handle.addEventListener("pointerdown", (event) => {
      handle.setPointerCapture(event.pointerId);
      handle.focus();
      event.preventDefault();
    });
    handle.addEventListener("pointermove", (event) => {
      if (handle.hasPointerCapture(event.pointerId)) moveTo(name, event);
    });
    handle.addEventListener("keydown", (event) => {
      const steps = {
        ArrowLeft: -SMALL_STEP, ArrowDown: -SMALL_STEP, ArrowRight: SMALL_STEP, ArrowUp: SMALL_STEP,
        PageDown: -LARGE_STEP, PageUp: LARGE_STEP, Home: -Infinity, End: Infinity,
      };
      if (!(event.key in steps)) return;
      event.preventDefault();
      move(name, thresholdAt(logitOf(state[name]) + steps[event.key]));
    });
    handle.tabIndex = 0;
  }
  for (const name of inputs) {
    const field = byId(`set-${name}`);
    field.disabled = false;
    field.addEventListener("input", () => {
      const value = name === "defect_rate" ? field.valueAsNumber / 100 : field.valueAsNumber;
      const fits = Number.isFinite(value) && field.checkValidity();
      field.setAttribute("aria-invalid", String(!fits));
      if (!fits) return;
      if (name === "accept" || name === "reject") move(name, value);
      else {
        state[name] = value;
        show();
      }
    });
    field.addEventListener("blur", () => {
      field.value = shownValue(name);
      field.setAttribute("aria-invalid", "false");
    });
  }
  const reset = () => {
    state = { ...start };
    show();
  };
  byId("explorer-reset").addEventListener("click", reset);

  // On paper stands what was decided, whatever the handles say.
  let before = null;
  window.addEventListener("beforeprint", () => {
    before = state;
    reset();
  });
  window.addEventListener("afterprint", () => {
    state = before ?? state;
    show();
  });
  byId("explorer").classList.add("live");
  show();
})();
