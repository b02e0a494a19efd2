"""Control steps, one file each: they decide where a run goes next, and when."""
