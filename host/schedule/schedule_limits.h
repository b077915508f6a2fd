/* The ranges of a schedule's numbers, the same on a command line and in a sweep's configuration. */
#ifndef KAIROS_SCHEDULE_LIMITS_H
#define KAIROS_SCHEDULE_LIMITS_H

#define SCHEDULE_SIGMA_LOW 1e-12 /* noise levels */
#define SCHEDULE_SIGMA_HIGH 1e12
#define SCHEDULE_RHO_LOW 1e-3 /* of edm */
#define SCHEDULE_RHO_HIGH 1e6
#define SCHEDULE_C_LOW 1e-6 /* of gaussian */
#define SCHEDULE_C_HIGH 1e6
#define SCHEDULE_ORDER_LOW -20 /* of err / sigma^order */
#define SCHEDULE_ORDER_HIGH 20

#endif
