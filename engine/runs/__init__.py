"""From a change to a finished run: matching, enrolment, the runner, the worker."""
