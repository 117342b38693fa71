-- Is an id of the journal there more than once?  A line for each; none when all
-- is well.  Its key is (xid, id), so that the database does not see it where
-- rows were inserted with their ids, or where the sequence was put back.

SELECT format('journal: the id %s is there %s times', id, count(*))
  FROM journal
 GROUP BY id
HAVING count(*) > 1
 ORDER BY id;
