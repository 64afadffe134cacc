/* Draws each figure's table as a chart. The table is all there is: without this script it stands
 * alone. Arrow keys move through the values of a chart that has the focus; what is marked is said
 * below it. */
(function () {
    "use strict";
    /* Okabe and Ito: told apart by all eyes; dashes tell them apart on grey paper. */
    var colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];
    var dashes = ["", "7 4", "2 3", "9 3 2 3"];
    var lang = document.documentElement.lang;
    var short = new Intl.NumberFormat(lang, { notation: "compact", maximumFractionDigits: 2 });
    var PAPER = 660;

    function texts(nodes) {
        return Array.prototype.map.call(nodes, function (n) { return n.textContent; });
    }

    function read(table) {
        var all = Array.prototype.slice.call(table.tHead.rows[0].cells, 1);
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
                texts: texts(cells)
            };
        });
        return { heads: texts(all.filter(drawn)), all: texts(all), rows: rows };
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

    /* The axes of a chart of values over periods; x gets a position for each row. */
    function axes(svg, data, w, h, m, x) {
        var y = d3.scale.linear().domain([lowest(data), highest(data)]).nice(5)
            .range([h - m.bottom, m.top]);
        var last = -Infinity;
        y.ticks(5).forEach(function (t) {
            svg.append("line").attr("class", "grid").attr("x1", m.left).attr("x2", w - m.right)
                .attr("y1", y(t)).attr("y2", y(t));
            svg.append("text").attr("x", m.left - 6).attr("y", y(t) + 4)
                .attr("text-anchor", "end").text(short.format(t));
        });
        data.rows.forEach(function (r, i) {
            var wide = 8 * r.label.length + 12;
            if (x(i) - last < wide)
                return;
            last = x(i);
            svg.append("text").attr("x", x(i)).attr("y", h - m.bottom + 17)
                .attr("text-anchor", "middle").text(r.label);
        });
        svg.append("g").attr("class", "axis").append("line").attr("x1", m.left)
            .attr("x2", w - m.right).attr("y1", y(0)).attr("y2", y(0));
        return y;
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
        var h = 250, m = { left: 56, right: 10, top: 12, bottom: 26 };
        var svg = canvas(box, w, h), x = places(data, w, m), y = axes(svg, data, w, h, m, x);
        data.heads.forEach(function (name, s) {
            var path = d3.svg.line().defined(function (r) { return r.values[s] !== null; })
                .x(function (r, i) { return x(i); }).y(function (r) { return y(r.values[s]); });
            svg.append("path").attr("d", path(data.rows)).attr("fill", "none")
                .attr("stroke", colours[s]).attr("stroke-width", 2.5)
                .attr("stroke-dasharray", dashes[s]);
            data.rows.forEach(function (r, i) {
                if (r.values[s] !== null && data.rows.length < 40)
                    svg.append("circle").attr("cx", x(i)).attr("cy", y(r.values[s])).attr("r", 3)
                        .attr("fill", colours[s]);
            });
        });
        return mark(svg, x, m.top, h - m.bottom);
    }

    function bars(box, data, w) {
        var h = 250, m = { left: 56, right: 10, top: 12, bottom: 26 }, n = data.heads.length;
        var slot = (w - m.left - m.right) / data.rows.length;
        var x = function (i) { return m.left + slot * (i + 0.5); };
        var svg = canvas(box, w, h), y = axes(svg, data, w, h, m, x);
        var wide = Math.min(34, slot * 0.8 / n);
        data.rows.forEach(function (r, i) {
            r.values.forEach(function (v, s) {
                if (v !== null)
                    svg.append("rect").attr("x", x(i) + (s - n / 2) * wide)
                        .attr("width", Math.max(1, wide - 1)).attr("y", Math.min(y(v), y(0)))
                        .attr("height", Math.abs(y(0) - y(v))).attr("fill", colours[s]);
            });
        });
        return mark(svg, x, m.top, h - m.bottom);
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

    function cut(text, most) {
        return text.length > most ? text.slice(0, most - 1) + "…" : text;
    }

    /* Lying bars, with marks at the limits that data-limits names. */
    function across(box, data, w) {
        var limits = box.getAttribute("data-limits").split(" ").filter(Boolean).map(Number);
        var row = 34, h = data.rows.length * row + (limits.length > 0 ? 40 : 8);
        var left = Math.min(170, w * 0.38);
        var x = d3.scale.linear().range([left, w - 64])
            .domain([0, highest(data, d3.max(limits) || 0)]);
        var svg = canvas(box, w, h);
        limits.forEach(function (v, i) {
            var low = i % 2 === 0 ? 0 : 14; /* neighbours do not touch */
            svg.append("line").attr("x1", x(v)).attr("x2", x(v)).attr("y1", 4)
                .attr("y2", h - 34 + low).attr("stroke", "#d55e00").attr("stroke-dasharray", "4 3");
            svg.append("text").attr("x", x(v)).attr("y", h - 20 + low)
                .attr("text-anchor", "middle").text(v + " %");
        });
        var band = svg.append("rect").attr("x", 0).attr("width", w).attr("height", row)
            .attr("fill", "#fff3d6").attr("visibility", "hidden");
        data.rows.forEach(function (r, i) {
            svg.append("text").attr("x", left - 8).attr("y", i * row + 22)
                .attr("text-anchor", "end").text(cut(r.name, Math.floor(left / 7)));
            svg.append("rect").attr("x", left).attr("y", i * row + 8).attr("height", row - 14)
                .attr("width", Math.max(0, x(r.values[0] || 0) - left)).attr("fill", colours[0]);
            svg.append("text").attr("x", x(r.values[0] || 0) + 6).attr("y", i * row + 22)
                .text(r.texts[0]);
        });
        return {
            lying: true, row: row,
            show: function (i) { band.attr("y", i * row).attr("visibility", "visible"); }
        };
    }

    /* A matrix: the darker, the more. Rows pay, columns are paid. */
    function matrix(box, data, w) {
        var n = data.heads.length, left = Math.min(130, w * 0.34), top = 92;
        var side = Math.min(64, (w - left - 30) / n), high = Math.min(38, side);
        var h = top + data.rows.length * high + 8, most = highest(data);
        var shade = d3.scale.sqrt().domain([0, most]).range(["#eef4f9", "#00436b"]);
        var svg = canvas(box, w, h);
        data.heads.forEach(function (name, c) {
            svg.append("text").attr("transform", "translate(" + (left + (c + 0.5) * side) + "," +
                (top - 8) + ") rotate(-45)").text(cut(name, 15));
        });
        data.rows.forEach(function (r, i) {
            svg.append("text").attr("x", left - 8).attr("y", top + (i + 0.5) * high + 4)
                .attr("text-anchor", "end").text(cut(r.name, Math.floor(left / 7)));
            r.values.forEach(function (v, c) {
                var g = svg.append("g").attr("transform", "translate(" + (left + c * side) + "," +
                    (top + i * high) + ")");
                g.append("rect").attr("width", side - 2).attr("height", high - 2)
                    .attr("fill", v === null ? "#fff" : shade(v)).attr("stroke", "#d5d8dc");
                if (v !== null && side >= 40)
                    g.append("text").attr("x", side / 2 - 1).attr("y", high / 2 + 3)
                        .attr("text-anchor", "middle")
                        .style("fill", v > most * 0.25 ? "#fff" : "#1b1b1b").text(short.format(v));
            });
        });
        var band = svg.append("rect").attr("x", left - 1).attr("width", n * side)
            .attr("height", high).attr("fill", "none").attr("stroke", "#e69f00")
            .attr("stroke-width", 3).attr("visibility", "hidden");
        return {
            lying: true, row: high, top: top,
            show: function (i) { band.attr("y", top + i * high - 1).attr("visibility", "visible"); }
        };
    }

    /* All of it is kept back: an empty frame would look like zeros. */
    function none(box, data, w) {
        var svg = canvas(box, w, 60);
        svg.append("text").attr("x", w / 2).attr("y", 34).attr("text-anchor", "middle")
            .text(box.getAttribute("data-none"));
        return { lying: true, row: 60 / data.rows.length, show: function () { return; } };
    }

    function is_empty(data) {
        return data.rows.every(function (r) {
            return r.values.every(function (v) { return v === null; });
        });
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
            item.append("span").text(name);
        });
    }

    var kinds = { lines: lines, bars: bars, across: across, matrix: matrix };

    function say(data, i) {
        var r = data.rows[i];
        return r.name + ": " + r.texts.map(function (t, s) {
            return data.all.length > 1 ? data.all[s] + " " + t : t;
        }).join("; ");
    }

    function start(figure) {
        var box = figure.querySelector(".plot"), output = figure.querySelector(".read");
        var data = read(figure.querySelector("table")), kind = box.getAttribute("data-kind");
        var chart = null, at = -1, drawn = 0;
        function draw(width) {
            if (width < 120 || width === drawn)
                return;
            drawn = width;
            box.textContent = "";
            chart = (is_empty(data) ? none : kinds[kind])(box, data, width);
            if (!is_empty(data))
                legend(box, data, kind);
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
            figure.querySelectorAll("details").forEach(function (d) { d.open = true; });
        });
        window.addEventListener("afterprint", function () { draw(box.clientWidth); });
    }

    document.querySelectorAll("figure.chart").forEach(start);
}());
