#!/bin/sh
# Makes the namespace, when it is not there. A ticket's workflow lives as long as the ticket; what is kept for 3 days is
# the history of those that ended. Operators find tickets by three search attributes (services/contracts/names.py); they
# are registered again without harm.
set -eu
: "${NAMESPACE:=default}"
until temporal operator cluster health; do sleep 1; done
temporal operator namespace describe --namespace "$NAMESPACE" ||
    temporal operator namespace create --namespace "$NAMESPACE" --retention 72h
until temporal operator search-attribute create --namespace "$NAMESPACE" \
    --name BihuanStatus --type Keyword \
    --name BihuanDepartment --type Keyword \
    --name BihuanUrgency --type Keyword; do sleep 1; done
