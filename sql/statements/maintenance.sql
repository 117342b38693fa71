-- Called by the timer of a worker.  Returns true if it must be called again
-- immediately.
SELECT entretien()
