-- Called by the timer of a worker.  Returns true if it must be called again
-- immediately.  Its commit does not wait for a standby: where none is there, it
-- would keep the connection that is left to the reads.
SELECT entretien()
  FROM set_config('synchronous_commit', 'local', true)
