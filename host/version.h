#ifndef KAIROS_VERSION_H
#define KAIROS_VERSION_H

#define KAIROS_VERSION "0.1.0"

#endif
