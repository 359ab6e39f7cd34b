//! May a shadow model guard? Every number against exact arithmetic or against all there is to try.

mod bounds;
mod calibration;
mod corpus;
mod coverage;
mod exact;
mod mcnemar;
mod pairs;
mod quantization;
mod retention;
mod sequential;
mod verdict;
