#!/bin/sh
# Makes the namespace, when it is not there. A ticket's workflow lives as long as the ticket; what is kept for 3 days is
# the history of those that ended.
set -eu
: "${NAMESPACE:=default}"
until temporal operator cluster health; do sleep 1; done
temporal operator namespace describe --namespace "$NAMESPACE" ||
    temporal operator namespace create --namespace "$NAMESPACE" --retention 72h
