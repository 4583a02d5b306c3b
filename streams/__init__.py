"""Events in, retention cells and user states out: batched Faust transport, fold, flush and recovery."""
