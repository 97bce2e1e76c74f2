/* SPDX-License-Identifier: MIT */
#include "client/view/batch_report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/view/phases.h"
#include "client/view/summary.h"
#include "client/view/waterfall.h"

/* Units of the picture, which is as wide as its reader likes. */
#define WIDTH      1200
#define AXIS_X     430
#define AXIS_WIDTH 520
#define WHY_X      (AXIS_X + AXIS_WIDTH + 12)
#define TOP        40
#define ROW        22
#define BAR        14
#define URL_CHARS  52
#define WHY_CHARS  32
#define MAX_MARKS  6

/* index, end_ns  of a bar; cause  index of who cancelled it, or -1 */
struct report_row {
	size_t index;
	int64_t end_ns;
	int64_t cause;
};

static const struct style style = { .has_colour = false, .has_utf8 = true };

/* Colours stand in plain rules, twice: not every reader of SVG knows variables. */
#define COLOURS(bg, fg, dim, line, ok, failed, cancelled) \
	".bg{fill:" bg "}text{fill:" fg "}.dim{fill:" dim "}line{stroke:" line "}" \
	".ok{fill:" ok ";color:" ok "}.failed,.timeout{fill:" failed ";color:" failed "}" \
	".cancelled{fill:" cancelled ";color:" cancelled "}.link{stroke:" failed "}" \
	"body{background:" bg ";color:" fg "}p{color:" dim "}th,td{border-color:" line "}"
#define PHASE_COLOURS(queue, earlier, dns, connect, tls, wait, body) \
	".p0{fill:" queue "}.p1{fill:" earlier "}.p2{fill:" dns "}.p3{fill:" connect "}" \
	".p4{fill:" tls "}.p5{fill:" wait "}.p6{fill:" body "}"

static const char css[] =
	"text{font:12px ui-monospace,Menlo,Consolas,monospace}"
	".link{fill:none;stroke-dasharray:3 3;opacity:.7}\n" COLOURS("#ffffff", "#1b1f24",
		"#6a737d", "#e1e4e8", "#1a7f37", "#c0262d", "#9a6700") PHASE_COLOURS("#cfd6de",
		"#9aa5b1", "#b07cc6", "#e0a030", "#4a7fd0", "#58b26f",
		"#1f9bb0") "\n@media(prefers-color-scheme:dark){" COLOURS("#14171a", "#e6e9ec",
		"#8b949e", "#2d333b", "#57c275", "#ff7b72", "#e3b341") PHASE_COLOURS("#3b434c",
		"#66717d", "#b98ad0", "#d9a13c", "#5b8fe0", "#4fa866", "#36b3c8") "}\n";

static const char page_css[] =
	":root{color-scheme:light dark}body{margin:2rem auto;max-width:76rem;padding:0 1rem;"
	"font:15px/1.5 system-ui,sans-serif}h1{font-size:1.4rem;margin:0}p{margin:.3rem 0 1.2rem}"
	"svg{width:100%;height:auto}.wide{overflow-x:auto}"
	"table{border-collapse:collapse;width:100%;font-size:.85rem}"
	"th,td{text-align:left;padding:.25rem .6rem;border-bottom-width:1px;"
	"border-bottom-style:solid;vertical-align:top;overflow-wrap:anywhere}"
	"td.n,th.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}\n";

int
report_kind_of(const char *path)
{
	static const char *const ends[] = { [REPORT_SVG] = ".svg", [REPORT_HTML] = ".html" };
	size_t len = strlen(path);

	for (int kind = REPORT_SVG; kind <= REPORT_HTML; kind++) {
		size_t n = strlen(ends[kind]);

		if (len > n && strcmp(path + len - n, ends[kind]) == 0) {
			return kind;
		}
	}
	return -EINVAL;
}

/* ---- escaping ---- */

static void
put_escaped_bytes(struct buffer *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			buffer_puts(out, "&amp;");
			break;
		case '<':
			buffer_puts(out, "&lt;");
			break;
		case '>':
			buffer_puts(out, "&gt;");
			break;
		case '"':
			buffer_puts(out, "&quot;");
			break;
		case '\'':
			buffer_puts(out, "&#39;");
			break;
		default:
			buffer_putc(out, *text);
		}
	}
}

/* Cleaned as for a terminal (XML has no place for control characters either), cut to @max columns; 0 = whole */
static void
put_escaped(struct buffer *out, const char *text, size_t max)
{
	struct buffer clean = BUFFER_INIT;
	size_t width = text_width(text, &style);

	if (max > 0 && width > max) {
		text_put_cut(&clean, text, max, &style);
	} else {
		text_put(&clean, text, &style);
	}
	if (clean.data) {
		put_escaped_bytes(out, clean.data);
	}
	buffer_fini(&clean);
}

/* ---- rows ---- */

static double
x_of(const struct report *report, int64_t ns)
{
	double part = report->scale_ns > 0 ? (double)ns / (double)report->scale_ns : 0;

	return AXIS_X + (part < 1 ? part : 1) * AXIS_WIDTH;
}

static double
y_of(size_t row)
{
	return TOP + (double)row * ROW;
}

static void
put_bar(struct report *report, const struct result_record *record, double y)
{
	int64_t parts[N_PHASES];
	int64_t sum = 0;

	phases_split(record, parts);
	for (int i = 0; i < N_PHASES; i++) {
		double from = x_of(report, sum);

		sum += parts[i];
		if (parts[i] > 0) {
			buffer_printf(&report->picture,
				"<rect class=\"p%d\" x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" "
				"height=\"%d\"/>",
				i, from, y, x_of(report, sum) - from, BAR);
		}
	}
}

/* "503 is not in 200-399", or the status of what went well */
static void
put_why(struct buffer *why, const struct result_record *record)
{
	if (record->outcome == RESULT_OK) {
		buffer_printf(why, "%d", record->status);
		return;
	}
	table_put_why(why, record);
	if (why->len == 0) {
		buffer_puts(why, result_outcome_name(record->outcome));
	}
}

static void
put_tip(struct report *report, const struct result_record *record, const char *why)
{
	struct buffer *out = &report->picture;
	char time[TEXT_TIME_MAX];
	int64_t parts[N_PHASES];

	phases_split(record, parts);
	buffer_printf(out, "<title>#%zu ", record->index);
	put_escaped(out, record->url, 0);
	buffer_puts(out, "\n");
	put_escaped(out, why, 0);
	for (int i = 0; i < N_PHASES; i++) {
		if (parts[i] > 0) {
			buffer_printf(out, "\n%s %s", phase_name((enum phase)i),
				text_time(parts[i], time, &style));
		}
	}
	buffer_puts(out, "</title>");
}

static void
put_picture_row(struct report *report, const struct result_record *record, const char *why)
{
	struct buffer *out = &report->picture;
	double y = y_of(report->n_rows);

	buffer_puts(out, "<g>");
	put_tip(report, record, why);
	buffer_printf(out, "<text class=\"dim\" x=\"40\" y=\"%.1f\" text-anchor=\"end\">%zu</text>",
		y + 11, record->index);
	buffer_printf(out, "<text x=\"50\" y=\"%.1f\">", y + 11);
	put_escaped(out, record->url, URL_CHARS);
	buffer_puts(out, "</text>");
	put_bar(report, record, y);
	buffer_printf(out, "<text class=\"%s\" x=\"%d\" y=\"%.1f\">",
		result_outcome_name(record->outcome), WHY_X, y + 11);
	put_escaped(out, why, WHY_CHARS);
	buffer_puts(out, "</text></g>\n");
}

static void
put_table_row(struct report *report, const struct result_record *record, const char *why)
{
	struct buffer *out = &report->table;
	const char *outcome = result_outcome_name(record->outcome);
	char time[TEXT_TIME_MAX];

	buffer_printf(out,
		"<tr><td class=\"n\">%zu</td><td class=\"%s\">%s</td><td class=\"n\">%s</td><td>",
		record->index, outcome, outcome, text_time(record->timing.total_ns, time, &style));
	put_escaped(out, record->url, 0);
	buffer_puts(out, "</td><td>");
	put_escaped(out, why, 0);
	buffer_puts(out, "</td></tr>\n");
}

void
report_begin(struct report *report, const struct batch_summary *summary,
	const struct table_extent *extent)
{
	report->summary = summary;
	report->scale_ns = extent->max_total_ns;
	report->rows = calloc(REPORT_MAX_ROWS, sizeof(*report->rows));
	report->error = report->rows ? 0 : -ENOMEM;
}

void
report_add(struct report *report, const struct result_record *record)
{
	struct buffer why = BUFFER_INIT;

	if (report->error < 0) {
		return;
	}
	if (report->n_rows == REPORT_MAX_ROWS) {
		report->n_left_out++;
		return;
	}
	put_why(&why, record);
	if (why.data) {
		put_picture_row(report, record, why.data);
		put_table_row(report, record, why.data);
	}
	report->rows[report->n_rows++] = (struct report_row){
		.index = record->index,
		.end_ns = record->timing.total_ns > 0 ? record->timing.total_ns : 0,
		.cause = record->outcome == RESULT_CANCELLED ? record->cancel_cause : -1,
	};
	report->error = buffer_error(&why);
	buffer_fini(&why);
}

/* ---- the picture ---- */

static void
put_axis(const struct report *report, struct buffer *out)
{
	double bottom = y_of(report->n_rows);
	int64_t step = waterfall_step(report->scale_ns, MAX_MARKS);
	char time[TEXT_TIME_MAX];

	for (int64_t at = 0; at <= report->scale_ns; at += step) {
		double x = x_of(report, at);

		buffer_printf(out, "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%.1f\"/>", x,
			TOP - 8, x, bottom);
		buffer_printf(out,
			"<text class=\"dim\" x=\"%.1f\" y=\"%d\" "
			"text-anchor=\"middle\">%s</text>\n",
			x, TOP - 14, at > 0 ? text_time(at, time, &style) : "0");
	}
}

/* From where the cause ended, down or up, to where it ended the other. */
static void
put_link(const struct report *report, size_t to, struct buffer *out)
{
	const struct report_row *row = &report->rows[to];

	for (size_t from = 0; from < report->n_rows; from++) {
		if ((int64_t)report->rows[from].index == row->cause) {
			buffer_printf(out, "<path class=\"link\" d=\"M%.1f %.1fV%.1fH%.1f\"/>\n",
				x_of(report, report->rows[from].end_ns) + 3, y_of(from) + BAR / 2.0,
				y_of(to) + BAR / 2.0, x_of(report, row->end_ns));
			return;
		}
	}
}

static void
put_legend(const struct report *report, struct buffer *out)
{
	double y = y_of(report->n_rows) + 16;
	double x = 50;

	for (int i = 0; i < N_PHASES; i++) {
		const char *name = phase_name((enum phase)i);

		buffer_printf(out,
			"<rect class=\"p%d\" x=\"%.0f\" y=\"%.1f\" width=\"12\" height=\"12\"/>"
			"<text class=\"dim\" x=\"%.0f\" y=\"%.1f\">%s</text>",
			i, x, y, x + 18, y + 10, name);
		x += 48 + 8 * (double)strlen(name);
	}
	if (report->n_left_out > 0) {
		buffer_printf(out,
			"<text class=\"dim\" x=\"%.0f\" y=\"%.1f\">%zu more URLs are left "
			"out</text>",
			x, y + 10, report->n_left_out);
	}
	buffer_putc(out, '\n');
}

static void
put_picture(const struct report *report, bool has_css, struct buffer *out)
{
	double height = y_of(report->n_rows) + 40;

	buffer_printf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %.0f\" width=\"%d\" "
		"height=\"%.0f\" role=\"img\">\n",
		WIDTH, height, WIDTH, height);
	if (has_css) {
		buffer_printf(out, "<style>%s</style>\n", css);
	}
	buffer_puts(out, "<rect class=\"bg\" width=\"100%\" height=\"100%\"/>\n");
	put_axis(report, out);
	if (report->picture.data) {
		buffer_append(out, report->picture.data, report->picture.len);
	}
	for (size_t i = 0; i < report->n_rows; i++) {
		if (report->rows[i].cause >= 0) {
			put_link(report, i, out);
		}
	}
	put_legend(report, out);
	buffer_puts(out, "</svg>\n");
}

static void
put_page(const struct report *report, struct buffer *out)
{
	const struct batch_summary *summary = report->summary;
	struct buffer line = BUFFER_INIT;

	summary_put(&line, summary, &style);
	buffer_puts(out,
		"<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
		"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		"style-src 'unsafe-inline'\">\n"
		"<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
	put_escaped(out, summary->name ? summary->name : summary->id, 0);
	buffer_printf(out, "</title>\n<style>%s%s</style>\n<h1>", css, page_css);
	put_escaped(out, summary->name ? summary->name : "A batch of URLs", 0);
	buffer_puts(out, "</h1>\n<p>");
	put_escaped(out, line.data ? line.data : "", 0);
	buffer_printf(
		out, ", policy %s</p>\n<div class=\"wide\">\n", batch_policy_name(summary->policy));
	put_picture(report, false, out);
	buffer_puts(out,
		"</div>\n<div class=\"wide\"><table>\n<tr><th class=\"n\">#</th><th>outcome</th>"
		"<th class=\"n\">time</th><th>URL</th><th>why</th></tr>\n");
	if (report->table.data) {
		buffer_append(out, report->table.data, report->table.len);
	}
	buffer_puts(out, "</table></div>\n</html>\n");
	buffer_fini(&line);
}

int
report_end(struct report *report, enum report_kind kind, struct buffer *out)
{
	if (report->error == 0) {
		report->error = buffer_error(&report->picture);
	}
	if (report->error == 0) {
		report->error = buffer_error(&report->table);
	}
	if (report->error < 0) {
		return report->error;
	}
	if (kind == REPORT_HTML) {
		put_page(report, out);
	} else {
		put_picture(report, true, out);
	}
	return buffer_error(out);
}

void
report_fini(struct report *report)
{
	buffer_fini(&report->picture);
	buffer_fini(&report->table);
	free(report->rows);
	*report = (struct report)REPORT_INIT;
}
