"""Work items, timers, number series and the working calendar."""
