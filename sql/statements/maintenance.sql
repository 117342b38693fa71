-- The worker's timer: true when it is to be called again at once.
SELECT entretien()
