// Texts that go out to files and come back changed, so that a tool can try other PTX without a
// compiler.
#pragma once

#include <string>

// KAIROS_PTX_DUMP=DIR writes a module's text to DIR/KEY.ptx; KAIROS_PTX_OVERRIDE=DIR takes DIR/KEY.ptx,
// if it is there, in its place.  KEY is a checksum of the text that nvcc made.
void exchange(std::string &ptx);
