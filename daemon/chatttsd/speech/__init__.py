"""The pure core: utterances, queue, quotas, sanitiser, segmenter; no I/O, the clock is passed in."""
