/* Draws each figure's table as a chart. The table is all there is: without this script it stands
 * alone. Arrow keys move through the values of a chart that has the focus; what is marked is said
 * below it. */
(function () {
    "use strict";
    /* Nearly those of Okabe and Ito: told apart by all eyes, and from white; dashes tell them apart
     * on grey paper. */
    var colours = ["#0072b2", "#d55e00", "#009e73", "#9b4f82"];
    var dashes = ["", "7 4", "2 3", "9 3 2 3"];
    var lang = document.documentElement.lang;
    var whole = new Intl.NumberFormat(lang, { maximumSignificantDigits: 6 });
    var short = new Intl.NumberFormat(lang, { notation: "compact", maximumSignificantDigits: 3 });
    var PAPER = 660, LETTER = 7; /* width of a sheet, of a letter of the drawings */

    function texts(nodes) {
        return Array.prototype.map.call(nodes, function (n) { return n.textContent; });
    }

    function read(table) {
        var all = Array.prototype.slice.call(table.tHead.rows[0].cells, 1), kept = "";
        var drawn = function (x, i) { return !all[i].hasAttribute("data-aside"); };
        var rows = Array.prototype.map.call(table.tBodies[0].rows, function (tr) {
            var cells = Array.prototype.slice.call(tr.cells, 1);
            return {
                label: tr.cells[0].getAttribute("data-short") || tr.cells[0].textContent,
                name: tr.cells[0].textContent,
                at: tr.cells[0].getAttribute("data-at"),
                values: cells.filter(drawn).map(function (td) {
                    return td.hasAttribute("data-v") ? +td.getAttribute("data-v") : null;
                }),
                kept: cells.filter(drawn).map(function (td) {
                    kept = td.hasAttribute("data-kept") ? td.textContent : kept;
                    return td.hasAttribute("data-kept");
                }),
                texts: cells.map(function (td, i) {
                    var unit = all[i].getAttribute("data-unit");
                    return td.textContent +
                        (td.hasAttribute("data-v") && unit ? "\u00a0" + unit : "");
                })
            };
        });
        return { heads: texts(all.filter(drawn)), all: texts(all), rows: rows, kept: kept };
    }

    function highest(data, least) {
        var top = d3.max(data.rows, function (r) { return d3.max(r.values); });
        return Math.max(top || 0, least || 0) || 1;
    }

    function lowest(data) {
        return Math.min(0, d3.min(data.rows, function (r) { return d3.min(r.values); }) || 0);
    }

    function canvas(box, width, height) {
        return d3.select(box).append("svg").attr("viewBox", "0 0 " + width + " " + height)
            .attr("aria-hidden", "true").attr("focusable", "false");
    }

    function write(svg, x, y, anchor, text) {
        return svg.append("text").attr("x", x).attr("y", y).attr("text-anchor", anchor).text(text);
    }

    /* Letters as people see them: no half of a pair is left. */
    function cut(text, most) {
        var letters = Array.from(text);
        return letters.length > most ? letters.slice(0, most - 1).join("") + "…" : text;
    }

    function number(v) {
        return Math.abs(v) < 1e6 ? whole.format(v) : short.format(v);
    }

    function percent(v) {
        return whole.format(v) + (lang === "fr" ? "\u202f%" : "%");
    }

    /* --- over periods ---------------------------------------------------------------------- */

    /* Every label, every second, every third ...: as many as fit. */
    function labels(svg, data, w, h, m, x) {
        var wide = 12 + LETTER * d3.max(data.rows, function (r) { return r.label.length; });
        var slot = data.rows.length > 1 ? x(1) - x(0) : w, last = -Infinity;
        var step = data.rows[0].at === null ? Math.ceil(wide / slot) : 1;
        data.rows.forEach(function (r, i) {
            if (i % step !== 0 || x(i) - last < LETTER * r.label.length + 12)
                return;
            last = x(i);
            write(svg, Math.min(x(i), w - LETTER * r.label.length / 2), h - m.bottom + 17, "middle",
                r.label);
        });
    }

    /* The frame of a chart of values over periods: height, margins, the axis of values. */
    function frame(box, data, w) {
        var unit = box.getAttribute("data-unit"), along = box.getAttribute("data-along");
        var h = w === PAPER ? 210 : 260, m = { right: 10, top: 28, bottom: along ? 42 : 26 };
        var y = d3.scale.linear().range([h - m.bottom, m.top])
            .domain([lowest(data), highest(data, unit.indexOf("%") >= 0 ? 100 : 0)]).nice(5);
        var ticks = y.ticks(5).map(number), svg = canvas(box, w, h);
        m.left = 12 + LETTER * d3.max(ticks, function (t) { return t.length; });
        write(svg, 0, 12, "start", unit);
        y.ticks(5).forEach(function (t, i) {
            svg.append("line").attr("class", "grid").attr("x1", m.left).attr("x2", w - m.right)
                .attr("y1", y(t)).attr("y2", y(t));
            write(svg, m.left - 6, y(t) + 4, "end", ticks[i]);
        });
        if (along)
            write(svg, w - m.right, h - 6, "end", along);
        svg.append("g").attr("class", "axis").append("line").attr("x1", m.left)
            .attr("x2", w - m.right).attr("y1", y(0)).attr("y2", y(0));
        return { svg: svg, h: h, m: m, y: y };
    }

    function places(data, w, m) {
        var at = data.rows.map(function (r) { return r.at === null ? null : +r.at; });
        var scale = d3.scale.linear().range([m.left + 14, w - m.right - 14]);
        if (at.length > 1 && at.indexOf(null) < 0) {
            scale.domain([d3.min(at), d3.max(at)]);
            return function (i) { return scale(at[i]); };
        }
        scale.domain([0, Math.max(1, data.rows.length - 1)]);
        return function (i) { return scale(data.rows.length === 1 ? 0.5 : i); };
    }

    function lines(box, data, w) {
        var f = frame(box, data, w), x = places(data, w, f.m), n = data.heads.length;
        labels(f.svg, data, w, f.h, f.m, x);
        data.heads.forEach(function (name, s) {
            /* One that lies below another can be seen, but where all is dense. */
            var wide = data.rows.length > 60 ? 1.5 : 2.5 + n - 1 - s;
            var path = d3.svg.line().defined(function (r) { return r.values[s] !== null; })
                .x(function (r, i) { return x(i); }).y(function (r) { return f.y(r.values[s]); });
            f.svg.append("path").attr("d", path(data.rows)).attr("fill", "none")
                .attr("stroke", colours[s]).attr("stroke-width", wide)
                .attr("stroke-dasharray", dashes[s]);
            data.rows.forEach(function (r, i) {
                var alone = (i === 0 || data.rows[i - 1].values[s] === null) &&
                    (i === data.rows.length - 1 || data.rows[i + 1].values[s] === null);
                if (r.values[s] !== null && (alone || data.rows.length < 40))
                    f.svg.append("circle").attr("cx", x(i)).attr("cy", f.y(r.values[s]))
                        .attr("r", wide / 2 + 1.75).attr("fill", colours[s]);
            });
        });
        return mark(f.svg, x, f.m.top, f.h - f.m.bottom);
    }

    function bars(box, data, w) {
        var n = data.heads.length, f = frame(box, data, w), m = f.m;
        var slot = (w - m.left - m.right) / data.rows.length;
        var x = function (i) { return m.left + slot * (i + 0.5); };
        var wide = Math.min(34, slot * 0.8 / n);
        labels(f.svg, data, w, f.h, m, x);
        data.rows.forEach(function (r, i) {
            r.values.forEach(function (v, s) {
                if (v !== null)
                    f.svg.append("rect").attr("x", x(i) + (s - n / 2) * wide)
                        .attr("width", Math.max(1, wide - 1)).attr("y", Math.min(f.y(v), f.y(0)))
                        .attr("height", Math.abs(f.y(0) - f.y(v))).attr("fill", colours[s]);
            });
        });
        return mark(f.svg, x, m.top, f.h - m.bottom);
    }

    /* A vertical line at one of the periods. */
    function mark(svg, x, top, bottom) {
        var line = svg.append("line").attr("y1", top).attr("y2", bottom).attr("stroke", "#1b1b1b")
            .attr("stroke-dasharray", "2 2").attr("visibility", "hidden");
        return {
            x: x,
            show: function (i) {
                line.attr("x1", x(i)).attr("x2", x(i)).attr("visibility", "visible");
            }
        };
    }

    /* --- names ------------------------------------------------------------------------------- */

    /* Of more names than anybody reads in a drawing, or a sheet holds, those with most. */
    function first(data, most) {
        if (data.rows.length <= most)
            return data;
        var shown = data.rows.filter(function (r) { return r.values[0] !== null; });
        shown.sort(function (a, b) { return b.values[0] - a.values[0]; });
        return { heads: data.heads, all: data.all, kept: data.kept, rows: shown.slice(0, most) };
    }

    /* Where the axis of lying bars ends: far beyond the limits nothing more is to be seen. */
    function reach(data, limits) {
        var most = highest(data);
        if (limits.length > 0)
            return most > 150 ? 150 : Math.max(most, 110);
        return [10, 25, 50].filter(function (v) { return most <= v; })[0] || 100;
    }

    /* Lying bars of percents, with marks at the limits that data-limits names. A narrow window
     * has the name above the bar. */
    function across(box, data, w) {
        var limits = box.getAttribute("data-limits").split(" ").filter(Boolean).map(Number);
        var narrow = w < 480, row = narrow ? 42 : data.rows.length > 16 ? 24 : 34;
        var bottom = data.rows.length * row, h = bottom + (limits.length > 0 ? 40 : 24);
        var longest = d3.max(data.rows, function (r) { return Array.from(r.name).length; });
        var value = d3.max(data.rows, function (r) { return r.texts[0].length; });
        var left = narrow ? 2 : Math.min(w * 0.4, LETTER * longest + 12);
        var x = d3.scale.linear().range([left, w - LETTER * value - 12])
            .domain([0, reach(data, limits)]).clamp(true);
        var svg = canvas(box, w, h), thick = row - (narrow ? 26 : 12);
        var base = narrow ? 20 : 6;
        var band = svg.append("rect").attr("x", 0).attr("width", w).attr("height", row)
            .attr("fill", "#fff3d6").attr("visibility", "hidden");
        (limits.length > 0 ? limits : x.ticks(4)).forEach(function (v, i) {
            var low = limits.length > 0 && i % 2 === 1 ? 14 : 0; /* neighbours do not touch */
            svg.append("line").attr("x1", x(v)).attr("x2", x(v)).attr("y1", 2)
                .attr("y2", bottom + 4 + low).attr("class", limits.length > 0 ? "limit" : "grid");
            write(svg, x(v), bottom + 18 + low, v === 0 && narrow ? "start" : "middle", percent(v));
        });
        data.rows.forEach(function (r, i) {
            var y = i * row, most = Math.floor((narrow ? w : left) / LETTER) - 1;
            write(svg, narrow ? 2 : left - 8, y + (narrow ? 14 : row / 2 + 4),
                narrow ? "start" : "end", cut(r.name, most));
            svg.append("rect").attr("x", left).attr("y", y + base).attr("height", thick)
                .attr("width", Math.max(0, x(r.values[0] || 0) - left)).attr("fill", colours[0]);
            write(svg, x(r.values[0] || 0) + 6, y + base + thick / 2 + 4, "start", r.texts[0])
                .attr("class", "over");
        });
        return {
            lying: true, row: row,
            show: function (i) { band.attr("y", i * row).attr("visibility", "visible"); }
        };
    }

    /* What is kept back is hatched, as on paper: no shade says "nothing". */
    function hatch(svg, id) {
        var p = svg.append("defs").append("pattern").attr("id", id).attr("width", 5)
            .attr("height", 5).attr("patternUnits", "userSpaceOnUse")
            .attr("patternTransform", "rotate(45)");
        p.append("rect").attr("width", 5).attr("height", 5).attr("fill", "#fff");
        p.append("line").attr("y2", 5).attr("stroke", "#8a9097").attr("stroke-width", 2);
        return "url(#" + id + ")";
    }

    /* A matrix: the darker, the more. Rows pay, columns are paid. */
    function matrix(box, data, w) {
        var n = data.heads.length, left = Math.min(130, w * 0.34);
        var side = Math.min(64, (w - left - 66) / n), upright = side < 40;
        side = upright ? Math.min(39, (w - left - 8) / n) : side;
        var high = Math.max(20, Math.min(38, side)), top = upright ? 132 : 108;
        var h = top + data.rows.length * high + 8, most = highest(data);
        var shade = d3.scale.sqrt().domain([0, most]).range(["#eef4f9", "#00436b"]);
        var svg = canvas(box, w, h);
        var kept = hatch(svg, "kept-" + box.getAttribute("aria-labelledby").split(" ")[0]);
        write(svg, 0, 12, "start", box.getAttribute("data-unit") + " – " +
            box.getAttribute("data-along"));
        data.heads.forEach(function (name, c) {
            svg.append("text").attr("transform", "translate(" +
                (left + (c + 0.5) * side + (upright ? 4 : 0)) + "," + (top - 8) + ") rotate(" +
                (upright ? -90 : -45) + ")").text(cut(name, 15));
        });
        data.rows.forEach(function (r, i) {
            write(svg, left - 8, top + (i + 0.5) * high + 4, "end",
                cut(r.name, Math.floor(left / LETTER) - 1));
            r.values.forEach(function (v, c) {
                var g = svg.append("g").attr("transform", "translate(" + (left + c * side) + "," +
                    (top + i * high) + ")");
                g.append("rect").attr("width", side - 2).attr("height", high - 2)
                    .attr("fill", r.kept[c] ? kept : v === null ? "#fff" : shade(v))
                    .attr("stroke", "#d5d8dc");
                if (v !== null && !upright)
                    write(g, side / 2 - 1, high / 2 + 3, "middle",
                        side > 56 && Math.abs(v) < 1e6 ? number(Math.round(v)) : short.format(v))
                        .style("fill", v > most * 0.45 ? "#fff" : "#1b1b1b");
            });
        });
        var band = svg.append("rect").attr("x", left - 1).attr("width", n * side)
            .attr("height", high).attr("fill", "none").attr("stroke", "#b35c00")
            .attr("stroke-width", 3).attr("visibility", "hidden");
        return {
            lying: true, row: high, top: top,
            show: function (i) { band.attr("y", top + i * high - 1).attr("visibility", "visible"); }
        };
    }

    /* --- all ------------------------------------------------------------------------------- */

    /* All of it is kept back: an empty frame would look like zeros. */
    function none(box, data, w) {
        var svg = canvas(box, w, 60);
        write(svg, w / 2, 34, "middle", box.getAttribute("data-none"));
        return { lying: true, row: 60 / data.rows.length, show: function () { return; } };
    }

    function is_empty(data, s) {
        return data.rows.every(function (r) {
            return r.values.every(function (v, i) {
                return v === null || (s !== undefined && s !== i);
            });
        });
    }

    /* One period is no line, and bars thinner than a line are no bars. */
    function fitting(kind, data, w) {
        if (kind === "lines" && data.rows.length === 1)
            return "bars";
        return kind === "bars" && w < 5 * data.rows.length * data.heads.length ? "lines" : kind;
    }

    function legend(box, data, kind) {
        if (data.heads.length < 2 || kind === "matrix")
            return;
        var list = d3.select(box).append("ul").attr("class", "legend").attr("aria-hidden", "true");
        data.heads.forEach(function (name, s) {
            var item = list.append("li"), svg = item.append("svg").attr("viewBox", "0 0 26 10");
            if (kind === "bars")
                svg.append("rect").attr("width", 26).attr("height", 10).attr("fill", colours[s]);
            else
                svg.append("line").attr("x2", 26).attr("y1", 5).attr("y2", 5)
                    .attr("stroke", colours[s]).attr("stroke-width", 3)
                    .attr("stroke-dasharray", dashes[s]);
            item.append("span").text(is_empty(data, s) && data.kept ? name + " (" + data.kept + ")"
                : name);
        });
    }

    /* Lying bars say it in each row. */
    function gaps(box, data, kind) {
        if (data.kept && kind !== "across")
            d3.select(box).append("p").attr("class", "gaps").attr("aria-hidden", "true")
                .text(box.getAttribute("data-gaps"));
    }

    var kinds = { lines: lines, bars: bars, across: across, matrix: matrix };

    function say(data, i) {
        var r = data.rows[i];
        return r.name + (lang === "fr" ? "\u00a0: " : ": ") + r.texts.map(function (t, s) {
            return data.all.length > 1 ? data.all[s] + " " + t : t;
        }).join("; ");
    }

    function start(figure) {
        var box = figure.querySelector(".plot"), output = figure.querySelector(".read");
        var data = read(figure.querySelector("table")), kind = box.getAttribute("data-kind");
        var chart = null, at = -1, drawn = 0, closed = [];
        if (kind === "across")
            data = first(data, +box.getAttribute("data-most"));
        function draw(width) {
            if (width < 120 || width === drawn)
                return;
            drawn = width;
            box.textContent = "";
            if (is_empty(data)) {
                chart = none(box, data, width);
                return;
            }
            var fits = fitting(kind, data, width);
            chart = kinds[fits](box, data, width);
            legend(box, data, fits);
            gaps(box, data, fits);
        }
        function go(i) {
            at = Math.max(0, Math.min(data.rows.length - 1, i));
            chart.show(at);
            output.textContent = say(data, at);
        }
        function near(e) {
            var b = box.querySelector("svg").getBoundingClientRect(), scale = drawn / b.width;
            if (chart.lying)
                return Math.floor(((e.clientY - b.top) * scale - (chart.top || 0)) / chart.row);
            var best = 0, x = (e.clientX - b.left) * scale;
            data.rows.forEach(function (r, i) {
                if (Math.abs(chart.x(i) - x) < Math.abs(chart.x(best) - x))
                    best = i;
            });
            return best;
        }
        box.addEventListener("keydown", function (e) {
            var by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[e.key];
            if (by === undefined && e.key !== "Home" && e.key !== "End")
                return;
            e.preventDefault();
            go(e.key === "Home" ? 0 : e.key === "End" ? data.rows.length - 1 : at + by);
        });
        box.addEventListener("pointermove", function (e) {
            if (e.target.closest("svg"))
                go(near(e));
        });
        box.setAttribute("tabindex", "0");
        draw(box.clientWidth);
        window.addEventListener("resize", function () { draw(box.clientWidth); });
        window.addEventListener("beforeprint", function () {
            draw(PAPER);
            closed = Array.prototype.filter.call(figure.querySelectorAll("details"), function (d) {
                return !d.open;
            });
            closed.forEach(function (d) { d.open = true; });
        });
        window.addEventListener("afterprint", function () {
            draw(box.clientWidth);
            closed.forEach(function (d) { d.open = false; });
        });
    }

    document.querySelectorAll("figure.chart").forEach(start);
}());
