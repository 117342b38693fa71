-- Does the search for names ignore accents?  One line if it does not, or need
-- not: with LC_CTYPE=C only the letters of ASCII are letters to PostgreSQL, and
-- its extensions unaccent and pg_trgm take others for no part of a word.  Such a
-- database has to be made anew: LC_CTYPE cannot be changed.

SELECT format('search: LC_CTYPE of the database is %s: names with letters beyond ASCII may not be found', datctype)
  FROM pg_database
 WHERE datname = current_database()
   AND (datctype IN ('C', 'POSIX') OR recherche('Éclair') <> 'eclair');
