"""The parts put together: settings, command line, embedded services. The only place that knows everything."""
