-- Locks nothing: makes the tables of the operational data store.
--
-- Ids are Portico's own and stay when a record's source changes; the natural key the trade uses is unique beside them.
-- Every row says which source told it (system, instance, source_ref), in which version (source_version for people,
-- sequence for order), when that held (as_of) and when it arrived (received_at).

-- +goose Up

CREATE TABLE feeds (
    instance     text PRIMARY KEY,
    epoch        text NOT NULL,
    position     text NOT NULL,
    confirmed_at timestamptz NOT NULL
);
COMMENT ON TABLE feeds IS 'How far the change feed of each source was followed, and when it was last followed to its end.';

CREATE TABLE loads (
    instance text NOT NULL,
    subject  text NOT NULL,
    after    text NOT NULL DEFAULT '',
    rows     bigint NOT NULL DEFAULT 0 CHECK (rows >= 0),
    done     boolean NOT NULL DEFAULT false,
    PRIMARY KEY (instance, subject)
);
COMMENT ON TABLE loads IS 'How far the first load of each kind of record came, so that it resumes after a kill.';

CREATE TABLE rejected_records (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instance   text NOT NULL,
    kind       text NOT NULL,
    source_ref text NOT NULL,
    reason     text NOT NULL,
    at         timestamptz NOT NULL DEFAULT now(),
    UNIQUE (instance, kind, source_ref)
);
COMMENT ON TABLE rejected_records IS 'Records of sources that could not be read and were set aside.';

CREATE TABLE warehouses (
    id text PRIMARY KEY DEFAULT 'whs_' || replace(gen_random_uuid()::text, '-', ''),
    code     text NOT NULL UNIQUE,
    name     text NOT NULL,
    location jsonb NOT NULL,
    cutoff   text CHECK (cutoff ~ '^[0-2][0-9]:[0-5][0-9]$'),
    system         text NOT NULL,
    instance       text NOT NULL,
    source_ref     text NOT NULL,
    source_version text NOT NULL,
    sequence       bigint NOT NULL,
    as_of          timestamptz NOT NULL,
    received_at    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE warehouses IS 'Warehouses of the distributor.';

CREATE TABLE categories (
    id text PRIMARY KEY DEFAULT 'cat_' || replace(gen_random_uuid()::text, '-', ''),
    code      text NOT NULL UNIQUE,
    name      text NOT NULL,
    parent_id text REFERENCES categories,
    parent_key text,
    position  integer NOT NULL,
    system         text NOT NULL,
    instance       text NOT NULL,
    source_ref     text NOT NULL,
    source_version text NOT NULL,
    sequence       bigint NOT NULL,
    as_of          timestamptz NOT NULL,
    received_at    timestamptz NOT NULL DEFAULT now(),
    CHECK (parent_id <> id)
);
COMMENT ON TABLE categories IS 'The tree of the catalogue; parent_key names a parent that may come later.';
CREATE INDEX ON categories (parent_key);
CREATE INDEX ON categories (parent_id);

CREATE TABLE trading_partners (
    id text PRIMARY KEY DEFAULT 'ptn_' || replace(gen_random_uuid()::text, '-', ''),
    code text NOT NULL UNIQUE,
    name text NOT NULL,
    gln  text CHECK (gln ~ '^[0-9]{13}$'),
    system         text NOT NULL,
    instance       text NOT NULL,
    source_ref     text NOT NULL,
    source_version text NOT NULL,
    sequence       bigint NOT NULL,
    as_of          timestamptz NOT NULL,
    received_at    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE trading_partners IS 'Suppliers and carriers.';

CREATE TABLE accounts (
    id text PRIMARY KEY DEFAULT 'acc_' || replace(gen_random_uuid()::text, '-', ''),
    number         text NOT NULL UNIQUE,
    name           text NOT NULL,
    status text NOT NULL CHECK (status IN ('ACTIVE', 'CREDIT_HOLD', 'ORDER_BLOCK', 'CLOSED')),
    parent_id      text REFERENCES accounts,
    parent_key     text,
    currency       text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    payment_terms  jsonb,
    delivery_terms jsonb,
    tax_category text CHECK (tax_category IN ('STANDARD', 'ZERO_RATED', 'EXEMPT', 'REVERSE_CHARGE', 'INTRA_COMMUNITY', 'EXPORT', 'OUT_OF_SCOPE')),
    system         text NOT NULL,
    instance       text NOT NULL,
    source_ref     text NOT NULL,
    source_version text NOT NULL,
    sequence       bigint NOT NULL,
    as_of          timestamptz NOT NULL,
    received_at    timestamptz NOT NULL DEFAULT now(),
    CHECK (parent_id <> id)
);
COMMENT ON TABLE accounts IS 'Customers: companies, branches, departments; parent_key names a parent that may come later.';
CREATE INDEX ON accounts (parent_key);
CREATE INDEX ON accounts (parent_id);

CREATE TABLE account_locations (
    id text PRIMARY KEY DEFAULT 'loc_' || replace(gen_random_uuid()::text, '-', ''),
    account_id    text NOT NULL REFERENCES accounts,
    code          text NOT NULL,
    roles         text[] NOT NULL CHECK (cardinality(roles) > 0 AND roles <@ '{SHIP_TO,BILL_TO,SOLD_TO,PAYER}'),
    address       jsonb NOT NULL,
    warehouse_id  text REFERENCES warehouses,
    delivery_days text[] NOT NULL DEFAULT '{}',
    closed_on     date[] NOT NULL DEFAULT '{}',
    calendar_seq  bigint NOT NULL DEFAULT 0,
    UNIQUE (account_id, code)
);
COMMENT ON TABLE account_locations IS 'Places of accounts; the calendar comes from the CRM, in its own versions.';

CREATE TABLE credit_positions (
    account_id  text PRIMARY KEY REFERENCES accounts,
    currency    text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    credit_limit numeric(18,4),
    exposure    numeric(18,4) NOT NULL,
    on_hold     boolean NOT NULL,
    hold_reason text,
    system         text NOT NULL,
    instance       text NOT NULL,
    source_ref     text NOT NULL,
    source_version text NOT NULL,
    sequence       bigint NOT NULL,
    as_of          timestamptz NOT NULL,
    received_at    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE credit_positions IS 'Credit limit and use of accounts.';

CREATE TABLE items (
    id text PRIMARY KEY DEFAULT 'itm_' || replace(gen_random_uuid()::text, '-', ''),
    sku               text NOT NULL UNIQUE,
    gtin              text CHECK (gtin ~ '^([0-9]{8}|[0-9]{12,14})$'),
    name              text NOT NULL,
    description       text,
    brand             text,
    identifiers       jsonb NOT NULL DEFAULT '[]',
    category_id       text REFERENCES categories,
    base_unit         text NOT NULL,
    status text NOT NULL CHECK (status IN ('ACTIVE', 'ON_HOLD', 'DISCONTINUED', 'REPLACED')),
    replaced_by       text,
    substitutes       text[] NOT NULL DEFAULT '{}',
    attributes        jsonb NOT NULL DEFAULT '[]',
    documents         jsonb NOT NULL DEFAULT '[]',
    country_of_origin text CHECK (country_of_origin ~ '^[A-Z]{2}$'),
    commodity_code    text CHECK (commodity_code ~ '^[0-9]{6,10}$'),
    created_at        timestamptz NOT NULL DEFAULT now(),
    words             tsvector GENERATED ALWAYS AS (to_tsvector('simple',
        sku || ' ' || coalesce(gtin, '') || ' ' || name || ' ' || coalesce(brand, '') || ' ' || coalesce(description, ''))) STORED,
    system         text NOT NULL,
    instance       text NOT NULL,
    source_ref     text NOT NULL,
    source_version text NOT NULL,
    sequence       bigint NOT NULL,
    as_of          timestamptz NOT NULL,
    received_at    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE items IS 'What is sold.';
CREATE INDEX ON items USING gin (words);
CREATE INDEX ON items USING gin (attributes jsonb_path_ops);
CREATE INDEX ON items (category_id, sku);
CREATE INDEX ON items (brand, sku);
CREATE INDEX ON items (name, sku);
CREATE INDEX ON items (gtin);

CREATE TABLE item_units (
    item_id       text NOT NULL REFERENCES items ON DELETE CASCADE,
    unit          text NOT NULL,
    base_quantity numeric(18,6) NOT NULL CHECK (base_quantity > 0),
    gtin          text CHECK (gtin ~ '^([0-9]{8}|[0-9]{12,14})$'),
    orderable     boolean NOT NULL,
    minimum       numeric(18,6) CHECK (minimum > 0),
    multiple      numeric(18,6) CHECK (multiple > 0),
    maximum       numeric(18,6) CHECK (maximum >= minimum),
    PRIMARY KEY (item_id, unit)
);
COMMENT ON TABLE item_units IS 'Units that items are handled in.';
CREATE INDEX ON item_units (gtin);

CREATE TABLE account_items (
    account_id  text NOT NULL REFERENCES accounts,
    sku         text NOT NULL,
    part_number text NOT NULL,
    PRIMARY KEY (account_id, sku)
);
COMMENT ON TABLE account_items IS 'Accounts'' own part numbers.';
CREATE INDEX ON account_items (part_number);

CREATE TABLE contracts (
    id text PRIMARY KEY DEFAULT 'ctr_' || replace(gen_random_uuid()::text, '-', ''),
    number     text NOT NULL UNIQUE,
    account_id text NOT NULL REFERENCES accounts,
    valid_from date NOT NULL,
    valid_to   date CHECK (valid_to >= valid_from),
    items      text[] NOT NULL DEFAULT '{}',
    system         text NOT NULL,
    instance       text NOT NULL,
    source_ref     text NOT NULL,
    source_version text NOT NULL,
    sequence       bigint NOT NULL,
    as_of          timestamptz NOT NULL,
    received_at    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE contracts IS 'Price agreements with accounts, with the skus they name.';
CREATE INDEX ON contracts (account_id);

CREATE TABLE stock (
    item_id      text NOT NULL REFERENCES items,
    warehouse_id text NOT NULL REFERENCES warehouses,
    unit         text NOT NULL,
    on_hand      numeric(18,6) NOT NULL CHECK (on_hand >= 0),
    allocated    numeric(18,6) NOT NULL CHECK (allocated >= 0),
    safety_stock numeric(18,6) NOT NULL CHECK (safety_stock >= 0),
    system         text NOT NULL,
    instance       text NOT NULL,
    source_ref     text NOT NULL,
    source_version text NOT NULL,
    sequence       bigint NOT NULL,
    as_of          timestamptz NOT NULL,
    received_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (item_id, warehouse_id)
);
COMMENT ON TABLE stock IS 'What each warehouse holds of each item, in its base unit.';

CREATE TABLE orders (
    id text PRIMARY KEY DEFAULT 'ord_' || replace(gen_random_uuid()::text, '-', ''),
    number                  text UNIQUE,
    customer_po_number      text,
    account_id              text NOT NULL REFERENCES accounts,
    ship_to_id              text REFERENCES account_locations,
    bill_to_id              text REFERENCES account_locations,
    ship_to_address         jsonb NOT NULL,
    status text NOT NULL CHECK (status IN ('RECEIVED', 'VALIDATING', 'QUEUED', 'PENDING_APPROVAL', 'ON_HOLD', 'CONFIRMED', 'PARTIALLY_BACKORDERED', 'BACKORDERED', 'IN_FULFILLMENT', 'PARTIALLY_SHIPPED', 'SHIPPED', 'PARTIALLY_DELIVERED', 'DELIVERED', 'INVOICED', 'CLOSED', 'CANCELLED', 'REJECTED')),
    raw                     jsonb,
    holds                   jsonb NOT NULL DEFAULT '[]',
    currency                text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    subtotal                numeric(18,4) NOT NULL,
    discount                numeric(18,4) NOT NULL,
    freight                 numeric(18,4),
    tax                     numeric(18,4),
    total                   numeric(18,4) NOT NULL,
    delivery_terms          jsonb,
    payment_terms           jsonb,
    requested_delivery_date date,
    promised_delivery_date  date,
    placed_at               timestamptz NOT NULL,
    comment                 text,
    system         text NOT NULL,
    instance       text NOT NULL,
    source_ref     text NOT NULL,
    source_version text NOT NULL,
    sequence       bigint NOT NULL,
    as_of          timestamptz NOT NULL,
    received_at    timestamptz NOT NULL DEFAULT now(),
    CHECK (total = subtotal - discount + coalesce(freight, 0) + coalesce(tax, 0))
);
COMMENT ON TABLE orders IS 'Customers'' orders; the status is derived from the lines.';
CREATE INDEX ON orders (account_id, placed_at DESC, id DESC);
CREATE INDEX ON orders (placed_at DESC, id DESC);
CREATE INDEX ON orders (account_id, customer_po_number);

CREATE TABLE order_lines (
    id text PRIMARY KEY DEFAULT 'oln_' || replace(gen_random_uuid()::text, '-', ''),
    order_id             text NOT NULL REFERENCES orders ON DELETE CASCADE,
    account_id           text NOT NULL REFERENCES accounts,
    line_number          text NOT NULL,
    position             integer NOT NULL,
    item_id              text REFERENCES items,
    substituted_for_id   text REFERENCES items,
    sku                  text,
    customer_part_number text,
    description          text NOT NULL,
    currency             text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    price                numeric(18,6) NOT NULL,
    price_per            numeric(18,6) NOT NULL CHECK (price_per > 0),
    amount               numeric(18,4) NOT NULL,
    status text NOT NULL CHECK (status IN ('OPEN', 'CONFIRMED', 'BACKORDERED', 'ALLOCATED', 'PICKED', 'SHIPPED', 'DELIVERED', 'CANCELLED', 'SUBSTITUTED', 'ON_HOLD')),
    unit                 text NOT NULL,
    ordered              numeric(18,6) NOT NULL CHECK (ordered >= 0),
    confirmed            numeric(18,6) NOT NULL CHECK (confirmed >= 0),
    allocated            numeric(18,6) NOT NULL CHECK (allocated >= 0),
    backordered          numeric(18,6) NOT NULL CHECK (backordered >= 0),
    shipped              numeric(18,6) NOT NULL CHECK (shipped >= 0),
    delivered            numeric(18,6) NOT NULL CHECK (delivered >= 0),
    invoiced             numeric(18,6) NOT NULL CHECK (invoiced >= 0),
    cancelled            numeric(18,6) NOT NULL CHECK (cancelled >= 0),
    returned             numeric(18,6) NOT NULL CHECK (returned >= 0),
    UNIQUE (order_id, line_number),
    CHECK (cancelled + shipped <= ordered),
    CHECK (backordered <= ordered - cancelled - shipped)
);
COMMENT ON TABLE order_lines IS 'Lines of orders: ordered = cancelled + shipped + open, and what is backordered is part of what is open.';
CREATE INDEX ON order_lines (item_id, account_id);

CREATE TABLE schedule_lines (
    order_line_id           text NOT NULL REFERENCES order_lines ON DELETE CASCADE,
    position                integer NOT NULL,
    quantity                numeric(18,6) NOT NULL CHECK (quantity >= 0),
    warehouse_id            text REFERENCES warehouses,
    requested_ship_date     date,
    requested_delivery_date date,
    promised_ship_date      date,
    promised_delivery_date  date,
    actual_ship_date        date,
    actual_delivery_date    date,
    PRIMARY KEY (order_line_id, position)
);
COMMENT ON TABLE schedule_lines IS 'Parts of order lines with their dates.';

CREATE TABLE purchase_orders (
    id text PRIMARY KEY DEFAULT 'pur_' || replace(gen_random_uuid()::text, '-', ''),
    number         text NOT NULL UNIQUE,
    revision       integer NOT NULL CHECK (revision > 0),
    supplier_id    text NOT NULL REFERENCES trading_partners,
    buyer          jsonb NOT NULL,
    ship_to        jsonb,
    warehouse_id   text REFERENCES warehouses,
    status text NOT NULL CHECK (status IN ('ISSUED', 'SENT', 'RECEIVED_BY_SUPPLIER', 'ACKNOWLEDGED', 'ACKNOWLEDGED_WITH_CHANGES', 'PENDING_REVIEW', 'PARTIALLY_SHIPPED', 'SHIPPED', 'PARTIALLY_RECEIVED', 'RECEIVED', 'INVOICED', 'CLOSED', 'REJECTED', 'CANCELLED')),
    raw            jsonb,
    currency       text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    subtotal       numeric(18,4),
    discount       numeric(18,4),
    freight        numeric(18,4),
    tax            numeric(18,4),
    total          numeric(18,4),
    delivery_terms jsonb,
    payment_terms  jsonb,
    issued_at      timestamptz NOT NULL,
    acknowledge_by timestamptz,
    delivery_date  date,
    system         text NOT NULL,
    instance       text NOT NULL,
    source_ref     text NOT NULL,
    source_version text NOT NULL,
    sequence       bigint NOT NULL,
    as_of          timestamptz NOT NULL,
    received_at    timestamptz NOT NULL DEFAULT now(),
    CHECK (total = subtotal - discount + coalesce(freight, 0) + coalesce(tax, 0))
);
COMMENT ON TABLE purchase_orders IS 'Purchase orders to suppliers.';
CREATE INDEX ON purchase_orders (supplier_id, issued_at DESC, id DESC);
CREATE INDEX ON purchase_orders (issued_at DESC, id DESC);

CREATE TABLE purchase_order_lines (
    id text PRIMARY KEY DEFAULT 'pol_' || replace(gen_random_uuid()::text, '-', ''),
    purchase_order_id    text NOT NULL REFERENCES purchase_orders ON DELETE CASCADE,
    supplier_id          text NOT NULL REFERENCES trading_partners,
    line_number          text NOT NULL,
    position             integer NOT NULL,
    item_id              text REFERENCES items,
    sku                  text,
    supplier_part_number text,
    description          text NOT NULL,
    currency             text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    price                numeric(18,6),
    price_per            numeric(18,6) CHECK (price_per > 0),
    unit                 text NOT NULL,
    ordered              numeric(18,6) NOT NULL CHECK (ordered >= 0),
    acknowledged         numeric(18,6) NOT NULL CHECK (acknowledged >= 0),
    shipped              numeric(18,6) NOT NULL CHECK (shipped >= 0),
    received             numeric(18,6) NOT NULL CHECK (received >= 0),
    cancelled            numeric(18,6) NOT NULL CHECK (cancelled >= 0),
    UNIQUE (purchase_order_id, line_number)
);
COMMENT ON TABLE purchase_order_lines IS 'Lines of purchase orders.';
CREATE INDEX ON purchase_order_lines (item_id) WHERE ordered > received + cancelled;

CREATE TABLE purchase_schedule_lines (
    purchase_order_line_id  text NOT NULL REFERENCES purchase_order_lines ON DELETE CASCADE,
    number                  text NOT NULL,
    position                integer NOT NULL,
    quantity                numeric(18,6) NOT NULL CHECK (quantity >= 0),
    requested_ship_date     date,
    requested_delivery_date date,
    promised_ship_date      date,
    promised_delivery_date  date,
    PRIMARY KEY (purchase_order_line_id, position)
);
COMMENT ON TABLE purchase_schedule_lines IS 'Parts of purchase order lines with their dates.';

CREATE TABLE shipments (
    id text PRIMARY KEY DEFAULT 'shp_' || replace(gen_random_uuid()::text, '-', ''),
    number          text NOT NULL UNIQUE,
    direction text NOT NULL CHECK (direction IN ('OUTBOUND', 'INBOUND', 'RETURN', 'TRANSFER')),
    mode text NOT NULL CHECK (mode IN ('PARCEL', 'LTL', 'FTL', 'OCEAN', 'AIR', 'RAIL', 'INTERMODAL', 'OWN_FLEET')),
    carrier         jsonb,
    scac            text GENERATED ALWAYS AS (carrier ->> 'scac') STORED,
    refs            jsonb NOT NULL DEFAULT '[]',
    status text NOT NULL CHECK (status IN ('UNKNOWN', 'PRE_TRANSIT', 'PICKED_UP', 'IN_TRANSIT', 'AT_FACILITY', 'CUSTOMS', 'DELAYED', 'OUT_FOR_DELIVERY', 'AVAILABLE_FOR_PICKUP', 'DELIVERY_ATTEMPTED', 'PARTIALLY_DELIVERED', 'DELIVERED', 'EXCEPTION', 'RETURNING', 'RETURNED', 'CANCELLED', 'EXPIRED')),
    origin          jsonb,
    destination     jsonb,
    account_id      text REFERENCES accounts,
    supplier_id     text REFERENCES trading_partners,
    return_key      text,
    tracking_number text,
    eta             jsonb,
    eta_at          timestamptz,
    exception       jsonb,
    proof           jsonb,
    proof_document  jsonb,
    tracked_seq     bigint NOT NULL DEFAULT 0,
    created_at      timestamptz NOT NULL,
    system         text NOT NULL,
    instance       text NOT NULL,
    source_ref     text NOT NULL,
    source_version text NOT NULL,
    sequence       bigint NOT NULL,
    as_of          timestamptz NOT NULL,
    received_at    timestamptz NOT NULL DEFAULT now(),
    CHECK (direction NOT IN ('OUTBOUND', 'RETURN') OR account_id IS NOT NULL),
    CHECK (direction <> 'INBOUND' OR supplier_id IS NOT NULL)
);
COMMENT ON TABLE shipments IS 'Goods on their way; status, estimate, exception and proof are derived from the events.';
CREATE INDEX ON shipments (account_id, created_at DESC, id DESC);
CREATE INDEX ON shipments (supplier_id, created_at DESC, id DESC);
CREATE INDEX ON shipments (created_at DESC, id DESC);
CREATE INDEX ON shipments (tracking_number);
CREATE INDEX ON shipments (return_key);
CREATE INDEX ON shipments USING gin (refs jsonb_path_ops);

CREATE TABLE shipment_orders (
    shipment_id text NOT NULL REFERENCES shipments ON DELETE CASCADE,
    order_id    text NOT NULL REFERENCES orders ON DELETE CASCADE,
    PRIMARY KEY (shipment_id, order_id)
);
COMMENT ON TABLE shipment_orders IS 'Which customer orders are in which shipments.';
CREATE INDEX ON shipment_orders (order_id);

CREATE TABLE shipment_purchase_orders (
    shipment_id       text NOT NULL REFERENCES shipments ON DELETE CASCADE,
    purchase_order_id text NOT NULL REFERENCES purchase_orders ON DELETE CASCADE,
    PRIMARY KEY (shipment_id, purchase_order_id)
);
COMMENT ON TABLE shipment_purchase_orders IS 'Which purchase orders are in which shipments.';
CREATE INDEX ON shipment_purchase_orders (purchase_order_id);

CREATE TABLE packages (
    shipment_id     text NOT NULL REFERENCES shipments ON DELETE CASCADE,
    number          integer NOT NULL CHECK (number > 0),
    tracking_number text,
    sscc            text CHECK (sscc ~ '^[0-9]{18}$'),
    status text NOT NULL CHECK (status IN ('UNKNOWN', 'PRE_TRANSIT', 'PICKED_UP', 'IN_TRANSIT', 'AT_FACILITY', 'CUSTOMS', 'DELAYED', 'OUT_FOR_DELIVERY', 'AVAILABLE_FOR_PICKUP', 'DELIVERY_ATTEMPTED', 'PARTIALLY_DELIVERED', 'DELIVERED', 'EXCEPTION', 'RETURNING', 'RETURNED', 'CANCELLED', 'EXPIRED')),
    weight          numeric(18,6) CHECK (weight >= 0),
    weight_unit     text,
    PRIMARY KEY (shipment_id, number)
);
COMMENT ON TABLE packages IS 'Packages of shipments.';
CREATE INDEX ON packages (tracking_number);
CREATE INDEX ON packages (sscc);

CREATE TABLE package_lines (
    shipment_id            text NOT NULL,
    number                 integer NOT NULL,
    position               integer NOT NULL,
    order_line_id          text REFERENCES order_lines ON DELETE SET NULL,
    purchase_order_line_id text REFERENCES purchase_order_lines ON DELETE SET NULL,
    quantity               numeric(18,6) NOT NULL CHECK (quantity >= 0),
    unit                   text NOT NULL,
    PRIMARY KEY (shipment_id, number, position),
    FOREIGN KEY (shipment_id, number) REFERENCES packages ON DELETE CASCADE
);
COMMENT ON TABLE package_lines IS 'What is in packages.';
CREATE INDEX ON package_lines (order_line_id);
CREATE INDEX ON package_lines (purchase_order_line_id);

CREATE TABLE shipment_events (
    id text PRIMARY KEY DEFAULT 'evt_' || replace(gen_random_uuid()::text, '-', ''),
    shipment_id    text NOT NULL REFERENCES shipments ON DELETE CASCADE,
    key            text NOT NULL,
    milestone      text NOT NULL,
    classifier text NOT NULL CHECK (classifier IN ('PLANNED', 'ESTIMATED', 'ACTUAL')),
    status text NOT NULL CHECK (status IN ('UNKNOWN', 'PRE_TRANSIT', 'PICKED_UP', 'IN_TRANSIT', 'AT_FACILITY', 'CUSTOMS', 'DELAYED', 'OUT_FOR_DELIVERY', 'AVAILABLE_FOR_PICKUP', 'DELIVERY_ATTEMPTED', 'PARTIALLY_DELIVERED', 'DELIVERED', 'EXCEPTION', 'RETURNING', 'RETURNED', 'CANCELLED', 'EXPIRED')),
    occurred_at    timestamptz NOT NULL,
    offset_known   boolean NOT NULL,
    recorded_at    timestamptz,
    location       jsonb,
    reason         jsonb,
    raw            jsonb NOT NULL,
    package_number integer,
    late           boolean NOT NULL,
    estimate       timestamptz,
    signed_by      text,
    instance       text NOT NULL,
    received_at    timestamptz NOT NULL DEFAULT now(),
    UNIQUE (shipment_id, key)
);
COMMENT ON TABLE shipment_events IS 'What happened, will happen or was planned on the way.';

CREATE TABLE invoices (
    id text PRIMARY KEY DEFAULT 'inv_' || replace(gen_random_uuid()::text, '-', ''),
    number     text NOT NULL UNIQUE,
    kind text NOT NULL CHECK (kind IN ('INVOICE', 'CREDIT_MEMO', 'DEBIT_MEMO')),
    account_id text NOT NULL REFERENCES accounts,
    issued_on  date NOT NULL,
    due_on     date,
    status text NOT NULL CHECK (status IN ('ISSUED', 'PARTIALLY_PAID', 'PAID', 'OVERDUE', 'DISPUTED', 'VOID')),
    currency   text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    subtotal   numeric(18,4) NOT NULL,
    discount   numeric(18,4) NOT NULL,
    freight    numeric(18,4),
    tax        numeric(18,4),
    total      numeric(18,4) NOT NULL,
    balance    numeric(18,4) NOT NULL,
    document   jsonb,
    system         text NOT NULL,
    instance       text NOT NULL,
    source_ref     text NOT NULL,
    source_version text NOT NULL,
    sequence       bigint NOT NULL,
    as_of          timestamptz NOT NULL,
    received_at    timestamptz NOT NULL DEFAULT now(),
    CHECK (total = subtotal - discount + coalesce(freight, 0) + coalesce(tax, 0))
);
COMMENT ON TABLE invoices IS 'Invoices and memos to customers.';
CREATE INDEX ON invoices (account_id, issued_on DESC, id DESC);
CREATE INDEX ON invoices (issued_on DESC, id DESC);

CREATE TABLE invoice_lines (
    invoice_id    text NOT NULL REFERENCES invoices ON DELETE CASCADE,
    account_id    text NOT NULL REFERENCES accounts,
    line_number   text NOT NULL,
    position      integer NOT NULL,
    item_id       text REFERENCES items,
    description   text NOT NULL,
    currency      text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    quantity      numeric(18,6) NOT NULL,
    unit          text NOT NULL,
    price         numeric(18,6),
    price_per     numeric(18,6) CHECK (price_per > 0),
    amount        numeric(18,4) NOT NULL,
    order_id      text REFERENCES orders ON DELETE SET NULL,
    order_line_id text REFERENCES order_lines ON DELETE SET NULL,
    shipment_id   text REFERENCES shipments ON DELETE SET NULL,
    PRIMARY KEY (invoice_id, line_number)
);
COMMENT ON TABLE invoice_lines IS 'Lines of invoices, tied to what they charge.';
CREATE INDEX ON invoice_lines (order_id);
CREATE INDEX ON invoice_lines (order_line_id);
CREATE INDEX ON invoice_lines (shipment_id);

CREATE TABLE returns (
    id text PRIMARY KEY DEFAULT 'ret_' || replace(gen_random_uuid()::text, '-', ''),
    number         text UNIQUE,
    order_id       text NOT NULL REFERENCES orders,
    account_id     text NOT NULL REFERENCES accounts,
    status text NOT NULL CHECK (status IN ('REQUESTED', 'AUTHORIZED', 'IN_TRANSIT', 'RECEIVED', 'INSPECTED', 'CREDITED', 'REJECTED', 'CANCELLED')),
    send_to        jsonb,
    credit_memo_id text REFERENCES invoices,
    requested_at   timestamptz NOT NULL,
    system         text NOT NULL,
    instance       text NOT NULL,
    source_ref     text NOT NULL,
    source_version text NOT NULL,
    sequence       bigint NOT NULL,
    as_of          timestamptz NOT NULL,
    received_at    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE returns IS 'Goods coming back.';
CREATE INDEX ON returns (account_id, requested_at DESC, id DESC);
CREATE INDEX ON returns (order_id);

CREATE TABLE return_lines (
    return_id     text NOT NULL REFERENCES returns ON DELETE CASCADE,
    position      integer NOT NULL,
    order_line_id text NOT NULL REFERENCES order_lines ON DELETE CASCADE,
    quantity      numeric(18,6) NOT NULL CHECK (quantity > 0),
    unit          text NOT NULL,
    reason text NOT NULL CHECK (reason IN ('DAMAGED', 'DEFECTIVE', 'WRONG_ITEM', 'OVER_SHIPPED', 'LATE', 'NOT_NEEDED', 'OTHER')),
    comment       text,
    received      numeric(18,6) CHECK (received >= 0),
    PRIMARY KEY (return_id, position)
);
COMMENT ON TABLE return_lines IS 'Lines of returns.';
