"""The tables of every service."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from services.runtime.postgres.commit_order import Xid8

revision: str = "0002"
down_revision: str | None = "0001"


def upgrade() -> None:
    """Make the tables."""
    op.execute(sa.schema.CreateSequence(sa.Sequence("ticket_serial", schema="intake")))
    op.create_table(
        "contact_readings",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("reader_kind", sa.Text(), nullable=False),
        sa.Column("reader_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("ticket_no", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("contact_readings_pkey")),
        schema="intake",
    )
    op.create_index("contact_readings_by_customer", "contact_readings", ["customer_id", "id"], schema="intake")
    op.create_index("contact_readings_by_ticket", "contact_readings", ["ticket_no", "id"], schema="intake")
    op.create_table(
        "customers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("wechat_open_id", sa.Text(), nullable=True),
        sa.Column("customer_no", sa.Text(), nullable=True),
        sa.Column("tier", sa.Text(), server_default="standard", nullable=False),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("preferred_channel", sa.Text(), nullable=True),
        sa.Column("preferred_from", sa.Text(), nullable=True),
        sa.Column("preferred_until", sa.Text(), nullable=True),
        sa.Column("do_not_call", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("corrected_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("customers_pkey")),
        sa.UniqueConstraint("customer_no", name=op.f("customers_customer_no_key")),
        sa.UniqueConstraint("identity", name=op.f("customers_identity_key")),
        schema="intake",
    )
    op.create_index(
        "customers_by_email",
        "customers",
        ["email"],
        schema="intake",
        postgresql_where=sa.text("email IS NOT NULL"),
    )
    op.create_index(
        "customers_by_phone",
        "customers",
        ["phone"],
        schema="intake",
        postgresql_where=sa.text("phone IS NOT NULL"),
    )
    op.create_index(
        "customers_by_wechat",
        "customers",
        ["wechat_open_id"],
        schema="intake",
        postgresql_where=sa.text("wechat_open_id IS NOT NULL"),
    )
    op.create_table(
        "feedback",
        sa.Column("ticket_no", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("contact", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("urgency", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("missing", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("policy", sa.Text(), nullable=True),
        sa.Column("promises", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("link_generation", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("body_hash", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("ticket_no", name=op.f("feedback_pkey")),
        schema="intake",
    )
    op.create_index("feedback_by_customer", "feedback", ["customer_id", "received_at"], schema="intake")
    op.create_index(
        "feedback_by_key",
        "feedback",
        ["caller", "idempotency_key"],
        unique=True,
        schema="intake",
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    )
    op.create_index(
        "feedback_by_order",
        "feedback",
        [sa.literal_column("((content -> 'product') ->> 'order_no')")],
        schema="intake",
        postgresql_where=sa.text("content -> 'product' ->> 'order_no' IS NOT NULL"),
    )
    op.create_index(
        "feedback_by_serial",
        "feedback",
        [sa.literal_column("((content -> 'product') ->> 'serial_no')")],
        schema="intake",
        postgresql_where=sa.text("content -> 'product' ->> 'serial_no' IS NOT NULL"),
    )
    op.create_table(
        "idempotency",
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.Text(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("caller", "path", "key", name=op.f("idempotency_pkey")),
        schema="intake",
    )
    op.create_index("ix_idempotency_created_at", "idempotency", ["created_at"], schema="intake")
    op.create_table(
        "number_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("base", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("number_days_pkey")),
        schema="intake",
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("ticket_no", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("outbox_pkey")),
        schema="intake",
    )
    op.create_table(
        "policy_snapshots",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("snapshot", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("policy_snapshots_pkey")),
        schema="intake",
    )
    op.create_table(
        "promises_in_force",
        sa.Column("one", sa.Integer(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("promises", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("one = 1", name=op.f("promises_in_force_one_row")),
        sa.PrimaryKeyConstraint("one", name=op.f("promises_in_force_pkey")),
        schema="intake",
    )
    op.create_table(
        "supplements",
        sa.Column("command_id", sa.Text(), nullable=False),
        sa.Column("ticket_no", sa.Text(), nullable=False),
        sa.Column("supplied_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("contact", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["ticket_no"], ["intake.feedback.ticket_no"], name=op.f("supplements_ticket_no_fkey")),
        sa.PrimaryKeyConstraint("command_id", name=op.f("supplements_pkey")),
        schema="intake",
    )
    op.create_index("supplements_by_ticket", "supplements", ["ticket_no", "supplied_at"], schema="intake")
    op.create_table(
        "calendars",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", "version"),
        schema="workflow",
    )
    op.create_table(
        "clocks",
        sa.Column("ticket_no", sa.Text(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("met_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("breached_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("elapsed_seconds", sa.BigInteger(), nullable=True),
        sa.Column("overdue_seconds", sa.BigInteger(), nullable=True),
        sa.Column("ledger", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("ticket_no", "cycle", "name", "round"),
        schema="workflow",
    )
    op.create_index(
        "clocks_breached",
        "clocks",
        ["ticket_no"],
        schema="workflow",
        postgresql_where=sa.text("state = 'breached'"),
    )
    op.create_index(
        "clocks_running_by_due",
        "clocks",
        ["due_at"],
        schema="workflow",
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_table(
        "commands",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("ticket_no", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("body_hash", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("command", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        schema="workflow",
    )
    op.create_index(
        "commands_by_key",
        "commands",
        ["caller", "ticket_no", "name", "key"],
        unique=True,
        schema="workflow",
        postgresql_where=sa.text("key IS NOT NULL"),
    )
    op.create_index("commands_of_ticket", "commands", ["ticket_no", "created_at"], schema="workflow")
    op.create_table(
        "idempotency",
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.Text(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("caller", "path", "key"),
        schema="workflow",
    )
    op.create_index("ix_idempotency_created_at", "idempotency", ["created_at"], schema="workflow")
    op.create_table(
        "journal",
        sa.Column("ticket_no", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("from_phase", sa.Text(), nullable=True),
        sa.Column("to_phase", sa.Text(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("command_id", sa.Text(), nullable=True),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("tx", Xid8(), server_default=sa.text("pg_current_xact_id()"), nullable=False),
        sa.CheckConstraint("seq >= 1", name="seq_from_one"),
        sa.PrimaryKeyConstraint("ticket_no", "seq"),
        schema="workflow",
    )
    op.create_index(
        "journal_by_command",
        "journal",
        ["command_id"],
        schema="workflow",
        postgresql_where=sa.text("command_id IS NOT NULL"),
    )
    op.create_index("journal_feed", "journal", ["tx", "ticket_no", "seq"], schema="workflow")
    op.create_table(
        "policies",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", "version"),
        schema="workflow",
    )
    op.create_table(
        "policy_order",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        schema="workflow",
    )
    op.create_table(
        "promises_in_force",
        sa.Column("one", sa.Integer(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("one = 1", name="one_row"),
        sa.PrimaryKeyConstraint("one"),
        schema="workflow",
    )
    op.create_table(
        "tickets",
        sa.Column("ticket_no", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("subcategory", sa.Text(), nullable=True),
        sa.Column("urgency", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("service_stage", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("department", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("co_owners", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("accepted_by", sa.Text(), nullable=True),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("complaint_about", sa.Text(), nullable=True),
        sa.Column("product", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("product_model", sa.Text(), nullable=True),
        sa.Column("serial_no", sa.Text(), nullable=True),
        sa.Column("incident_id", sa.Text(), nullable=True),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("responded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.Column("resolution_reason", sa.Text(), nullable=True),
        sa.Column("confirmation", sa.Text(), nullable=True),
        sa.Column("close_reason", sa.Text(), nullable=True),
        sa.Column("close_note", sa.Text(), nullable=True),
        sa.Column("close_evidence", sa.Text(), nullable=True),
        sa.Column("merged_into", sa.Text(), nullable=True),
        sa.Column("next_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("policy", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("state", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.Column("journal_hash", sa.LargeBinary(), nullable=False),
        sa.Column("engine_id", sa.Text(), nullable=True),
        sa.Column("engine_attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "(status = 'closed') = (close_reason IS NOT NULL) AND (status = 'closed') = (closed_at IS NOT NULL)",
            name="closed_says_why",
        ),
        sa.CheckConstraint("close_reason <> 'merged' OR merged_into IS NOT NULL", name="merged_into_a_ticket"),
        sa.CheckConstraint(
            "close_reason IS NULL OR (close_reason = 'confirmed' AND confirmed_at IS NOT NULL AND close_evidence IS NOT NULL) OR (close_reason IN ('unresolved', 'information_not_supplied', 'not_reached', 'callback_refused', 'withdrawn', 'merged') AND close_note IS NOT NULL AND length(btrim(close_note)) > 0)",
            name="closed_is_confirmed_or_filed",
        ),
        sa.PrimaryKeyConstraint("ticket_no"),
        schema="workflow",
    )
    op.create_index("tickets_by_customer", "tickets", ["customer_id"], schema="workflow")
    op.create_index("tickets_by_department", "tickets", ["department", "status"], schema="workflow")
    op.create_index(
        "tickets_by_next_due",
        "tickets",
        [sa.literal_column("next_due_at NULLS LAST"), "ticket_no"],
        schema="workflow",
    )
    op.create_index(
        "tickets_by_opening",
        "tickets",
        [sa.literal_column("opened_at DESC"), sa.literal_column("ticket_no DESC")],
        schema="workflow",
    )
    op.create_index(
        "tickets_by_serial",
        "tickets",
        ["serial_no"],
        schema="workflow",
        postgresql_where=sa.text("serial_no IS NOT NULL"),
    )
    op.create_index(
        "tickets_living",
        "tickets",
        ["engine_id"],
        schema="workflow",
        postgresql_where=sa.text("NOT ended"),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        schema="directory",
    )
    op.create_table(
        "departments",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("categories", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("default", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint('active OR NOT "default"', name=op.f("ck_departments_default_is_active")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_departments")),
        sa.UniqueConstraint("position", name=op.f("uq_departments_position")),
        schema="directory",
    )
    op.create_index(
        "uq_departments_default",
        "departments",
        ["default"],
        unique=True,
        schema="directory",
        postgresql_where=sa.text('"default"'),
    )
    op.create_table(
        "idempotency",
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.Text(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("caller", "path", "key", name=op.f("pk_idempotency")),
        schema="directory",
    )
    op.create_index("ix_idempotency_created_at", "idempotency", ["created_at"], schema="directory")
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.Text(), nullable=False),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("department", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("cardinality(scopes) > 0", name=op.f("ck_api_keys_scopes_not_empty")),
        sa.ForeignKeyConstraint(["department"], ["directory.departments.id"], name=op.f("fk_api_keys_department")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_api_keys_key_hash")),
        sa.UniqueConstraint("position", name=op.f("uq_api_keys_position")),
        schema="directory",
    )
    op.create_table(
        "staff",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("department", sa.Text(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["department"], ["directory.departments.id"], name=op.f("fk_staff_department")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("position", name=op.f("uq_staff_position")),
        schema="directory",
    )
    op.create_index(
        "uq_staff_username", "staff", [sa.literal_column("lower(username)")], unique=True, schema="directory"
    )


def downgrade() -> None:
    """Take the change back."""
    op.drop_table("staff", schema="directory")
    op.drop_table("api_keys", schema="directory")
    op.drop_table("idempotency", schema="directory")
    op.drop_table("departments", schema="directory")
    op.drop_table("audit", schema="directory")
    op.drop_table("tickets", schema="workflow")
    op.drop_table("promises_in_force", schema="workflow")
    op.drop_table("policy_order", schema="workflow")
    op.drop_table("policies", schema="workflow")
    op.drop_table("journal", schema="workflow")
    op.drop_table("idempotency", schema="workflow")
    op.drop_table("commands", schema="workflow")
    op.drop_table("clocks", schema="workflow")
    op.drop_table("calendars", schema="workflow")
    op.drop_table("supplements", schema="intake")
    op.drop_table("promises_in_force", schema="intake")
    op.drop_table("policy_snapshots", schema="intake")
    op.drop_table("outbox", schema="intake")
    op.drop_table("number_days", schema="intake")
    op.drop_table("idempotency", schema="intake")
    op.drop_table("feedback", schema="intake")
    op.drop_table("customers", schema="intake")
    op.drop_table("contact_readings", schema="intake")
    op.execute(sa.schema.DropSequence(sa.Sequence("ticket_serial", schema="intake")))
