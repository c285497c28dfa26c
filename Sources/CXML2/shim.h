#pragma once

// Foundation has an ICU of its own, and one program cannot see the headers of two. Nothing here uses libxml2's.
#include <libxml/xmlversion.h>
#undef LIBXML_ICU_ENABLED
#include <libxml/HTMLparser.h>
#include <libxml/parser.h>
