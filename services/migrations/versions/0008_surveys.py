"""Questionnaires, invitations and answers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0008"
down_revision: str | None = "0007"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "feed_cursors",
        sa.Column("follower", sa.Text(), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("passed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("follower", name=op.f("feed_cursors_pkey")),
        schema="survey",
    )
    op.create_table(
        "feed_failures",
        sa.Column("follower", sa.Text(), nullable=False),
        sa.Column("ticket_no", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("event", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("follower", "ticket_no", "seq", name=op.f("feed_failures_pkey")),
        schema="survey",
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
        schema="survey",
    )
    op.create_index("ix_idempotency_created_at", "idempotency", ["created_at"], schema="survey")
    op.create_table(
        "invitations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("ticket_no", sa.Text(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("not_sent_reason", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("questionnaire", sa.Text(), nullable=False),
        sa.Column("questionnaire_version", sa.Integer(), nullable=False),
        sa.Column("department", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("co_owners", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("complaint_about", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("urgency", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("product_model", sa.Text(), nullable=True),
        sa.Column("policy", sa.Text(), nullable=True),
        sa.Column("close_reason", sa.Text(), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reopened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("remind_after", sa.Text(), nullable=False),
        sa.Column("expires_after", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("remind_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("revision", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("done", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("engine_id", sa.Text(), nullable=True),
        sa.Column("engine_attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "(state = 'answered') = (answered_at IS NOT NULL)", name=op.f("invitations_answered_says_when")
        ),
        sa.CheckConstraint(
            "(state = 'not_sent') = (not_sent_reason IS NOT NULL)", name=op.f("invitations_not_sent_says_why")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("invitations_pkey")),
        sa.UniqueConstraint("ticket_no", "cycle", name=op.f("invitations_ticket_no_key")),
        sa.UniqueConstraint("token_hash", name=op.f("invitations_token_hash_key")),
        schema="survey",
    )
    op.create_index(
        "invitations_by_answer",
        "invitations",
        ["answered_at"],
        schema="survey",
        postgresql_where=sa.text("answered_at IS NOT NULL"),
    )
    op.create_index("invitations_by_closing", "invitations", ["closed_at"], schema="survey")
    op.create_index("invitations_by_customer", "invitations", ["customer_id", "closed_at"], schema="survey")
    op.create_index(
        "invitations_by_sending",
        "invitations",
        ["sent_at"],
        schema="survey",
        postgresql_where=sa.text("sent_at IS NOT NULL"),
    )
    op.create_index(
        "invitations_living",
        "invitations",
        ["engine_attempts", "id"],
        schema="survey",
        postgresql_where=sa.text("NOT done"),
    )
    op.create_index(
        "invitations_newest",
        "invitations",
        [sa.literal_column("created_at DESC"), sa.literal_column("id DESC")],
        schema="survey",
    )
    op.create_table(
        "questionnaires",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", "version", name=op.f("questionnaires_pkey")),
        schema="survey",
    )
    op.create_table(
        "answers",
        sa.Column("survey_id", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("scores", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("overall", sa.SmallInteger(), nullable=True),
        sa.Column("recommend", sa.SmallInteger(), nullable=True),
        sa.Column("solved_first_time", sa.Boolean(), nullable=True),
        sa.Column("suggestion", sa.Text(), nullable=True),
        sa.Column("other", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("low", sa.Boolean(), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=True),
        sa.Column("recorded_by_kind", sa.Text(), nullable=True),
        sa.CheckConstraint("(recorded_by IS NULL) = (recorded_by_kind IS NULL)", name=op.f("answers_recorded_by_whom")),
        sa.ForeignKeyConstraint(["survey_id"], ["survey.invitations.id"], name=op.f("answers_survey_id_fkey")),
        sa.PrimaryKeyConstraint("survey_id", name=op.f("answers_pkey")),
        schema="survey",
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("answers", schema="survey")
    op.drop_table("questionnaires", schema="survey")
    op.drop_table("invitations", schema="survey")
    op.drop_table("idempotency", schema="survey")
    op.drop_table("feed_failures", schema="survey")
    op.drop_table("feed_cursors", schema="survey")
