//! Every payload, read back by the decoders of the intake.
