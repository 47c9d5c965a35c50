"""Speech engines: the contract, the wire to the worker process, and the engines that live in it."""
