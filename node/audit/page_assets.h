/** What the page is made of beside its figures, put into the program when it is built: D3 (BSD
 *  licence, from Debian's libjs-d3), the script that draws with it, the style. */
#ifndef MEREAU_AUDIT_PAGE_ASSETS_H
#define MEREAU_AUDIT_PAGE_ASSETS_H

#include <stddef.h>

extern const unsigned char page_d3[], page_licence[], page_charts_js[], page_style[];
extern const size_t page_d3_len, page_licence_len, page_charts_js_len, page_style_len;

#endif
