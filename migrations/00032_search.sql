-- Items are found by what buyers type: by part numbers of all kinds in any spelling, by words and their stems, and by words
-- with a letter wrong. The indexes are made beside running processes, so no table is locked and none rewritten.

-- +goose NO TRANSACTION
-- +goose Up

-- search_text is a text in words of small letters without accents, with a space between them; sizes such as 8 x 40 are one.
CREATE OR REPLACE FUNCTION search_text(t text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN regexp_replace(regexp_replace(
    CASE WHEN octet_length(t) = length(t) THEN lower(t) ELSE translate(replace(replace(lower(t), 'ß', 'ss'), 'ẞ', 'ss'),
        'ÀÁÂÃÄÅàáâãäåÇçÈÉÊËèéêëÌÍÎÏìíîïÑñÒÓÔÕÖØòóôõöøÙÚÛÜùúûüÝýÿ×', 'aaaaaaaaaaaacceeeeeeeeiiiiiiiinnoooooooooooouuuuuuuuyyyx') END,
    '[^a-z0-9\u00c0-\u1fff\u2c00-\U0010ffff]+', ' ', 'g'), '([0-9]) ?x ?(?=[0-9])', '\1x', 'g');

-- part_key is a part number as it is compared: without separators, in small letters.
CREATE OR REPLACE FUNCTION part_key(number text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN left(replace(search_text(number), ' ', ''), 100);

-- item_words is what an item is found by: its words as they are, their stems in English and German, and its part numbers
-- after a #. A GTIN is without leading zeros.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION item_words(sku text, gtin text, name text, brand text, description text, identifiers jsonb) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
DECLARE
    t text := search_text(concat_ws(' ', sku, name, brand, left(description, 100000)));
    keys text[] := ARRAY['#' || part_key(sku)];
BEGIN
    IF gtin <> '' THEN keys := keys || ('#' || ltrim(gtin, '0')); END IF;
    IF jsonb_typeof(identifiers) = 'array' THEN
        FOR i IN 0 .. jsonb_array_length(identifiers) - 1 LOOP
            keys := keys || coalesce('#' || part_key(identifiers -> i ->> 'value'), '#');
        END LOOP;
    END IF;
    RETURN strip(to_tsvector('simple', t) || to_tsvector('english', t) || to_tsvector('german', t)) || array_to_tsvector(keys);
END $$;
-- +goose StatementEnd

-- part_query asks for a part number, or for those that begin so. It is null where a text has no letter and no digit.
CREATE OR REPLACE FUNCTION part_query(number text, beginning boolean) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN CASE WHEN part_key(number) <> '' THEN
    ('''#' || part_key(number) || CASE WHEN beginning THEN ''':*' ELSE '''' END)::tsquery END;

-- word_deletions is a word, and the word without each of its letters: two that differ by one letter share one.
CREATE OR REPLACE FUNCTION word_deletions(word text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN ARRAY(SELECT word UNION SELECT overlay(word PLACING '' FROM i FOR 1) FROM generate_series(1, length(word)) i);

CREATE TABLE IF NOT EXISTS item_vocabulary (
    word      text COLLATE "C" PRIMARY KEY CHECK (word ~ '^[a-z]{4,30}$'),
    deletions text[] NOT NULL GENERATED ALWAYS AS (word_deletions(word)) STORED
);
COMMENT ON TABLE item_vocabulary IS 'Words of items, by which words with a letter wrong are corrected.';
CREATE INDEX IF NOT EXISTS item_vocabulary_deletions ON item_vocabulary USING gin (deletions);

-- item_query is a search text as a query of item_words: each of its words begins a word, or a part number, or has the stem of a
-- word; one that no item has is taken for those that differ by a letter. Or the whole text begins a part number.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION item_query(search text) RETURNS tsquery LANGUAGE plpgsql STABLE AS $$
DECLARE
    whole   text := part_key(search);
    typed   text;
    term    text;
    stems   text[];
    stem    text;
    one     tsquery;
    each    tsquery;
    every   tsquery;
    small   boolean;
BEGIN
    IF whole = '' THEN RETURN NULL; END IF;
    FOR typed IN SELECT x FROM regexp_split_to_table(regexp_replace(lower(search), '([0-9])\s*[x×]\s*(?=[0-9])', '\1x', 'g'), '\s+')
        WITH ORDINALITY AS s(x, n) WHERE part_key(x) <> '' ORDER BY n LIMIT 20 LOOP
        each := NULL;
        small := true;
        FOREACH term IN ARRAY string_to_array(btrim(search_text(typed)), ' ') LOOP
            stems := ARRAY(SELECT DISTINCT s FROM unnest(ts_lexize('english_stem', term) || ts_lexize('german_stem', term)) s);
            IF ts_lexize('english_stem', term) = '{}' THEN CONTINUE; END IF; -- such as "for": it says nothing
            small := false;
            one := ('''' || term || ''':*')::tsquery;
            FOREACH stem IN ARRAY stems LOOP
                one := one || ('''' || stem || '''')::tsquery;
            END LOOP;
            IF term ~ '^[a-z]{4,30}$' AND NOT EXISTS (SELECT FROM unnest(stems || term) s JOIN item_vocabulary v
                ON v.word >= s AND v.word < s || '{' WHERE length(s) > 2) THEN
                FOR stem IN SELECT DISTINCT s FROM item_vocabulary v, unnest(v.word::text || ts_lexize('english_stem', v.word)) s
                    WHERE v.deletions && ARRAY(
                        SELECT unnest(word_deletions(x)) FROM unnest(stems || term) x WHERE length(x) > 3) LIMIT 40 LOOP
                    one := one || ('''' || stem || '''')::tsquery;
                END LOOP;
            END IF;
            each := CASE WHEN each IS NULL THEN one ELSE each && one END;
        END LOOP;
        CONTINUE WHEN small;
        each := each || ('''#' || part_key(typed) || ''':*')::tsquery;
        every := CASE WHEN every IS NULL THEN each ELSE every && each END;
    END LOOP;
    one := ('''#' || whole || ''':*')::tsquery;
    IF whole ~ '^0+[1-9]' THEN one := one || ('''#' || ltrim(whole, '0') || ''':*')::tsquery; END IF;
    IF every IS NULL THEN -- nothing but small words
        every := ('''' || whole || ''':*')::tsquery;
    END IF;
    RETURN one || every;
END $$;
-- +goose StatementEnd

DROP INDEX CONCURRENTLY IF EXISTS items_search;
CREATE INDEX CONCURRENTLY items_search ON items USING gin (item_words(sku, gtin, name, brand, description, identifiers));
DROP INDEX CONCURRENTLY IF EXISTS account_items_part_key;
CREATE INDEX CONCURRENTLY account_items_part_key ON account_items (part_key(part_number) COLLATE "C");

INSERT INTO item_vocabulary (word) SELECT word FROM ts_stat('SELECT words FROM items') WHERE word ~ '^[a-z]{4,30}$'
ON CONFLICT DO NOTHING;

-- +goose Down
DROP INDEX CONCURRENTLY IF EXISTS account_items_part_key;
DROP INDEX CONCURRENTLY IF EXISTS items_search;
DROP TABLE item_vocabulary;
DROP FUNCTION item_query(text), part_query(text, boolean), item_words(text, text, text, text, text, jsonb), word_deletions(text), part_key(text), search_text(text);
