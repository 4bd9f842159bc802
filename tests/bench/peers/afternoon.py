"""A check as a developer writes it in an afternoon: pandas reads, pandera judges, the failures land in a CSV.

python afternoon.py SOURCE FAILURES
"""

import sys

import pandas as pd
import pandera.pandas as pa

TODAY = pd.Timestamp.now().normalize()
COUNTRIES = ["AT", "BE", "CH", "DE", "DK", "ES", "FI", "FR", "GB", "IT", "NL", "NO", "PL", "SE", "US"]
CURRENCIES = ["CHF", "DKK", "EUR", "GBP", "NOK", "PLN", "SEK", "USD"]

schema = pa.DataFrameSchema(
    {
        "creditorReference": pa.Column(str, pa.Check.str_length(max_value=50), unique=True),
        "date": pa.Column("datetime64[ns]", pa.Check.le(TODAY), coerce=True),
        "dueDate": pa.Column("datetime64[ns]", pa.Check.le(TODAY), coerce=True, nullable=True),
        "amountToRecover": pa.Column(float, pa.Check.gt(0), coerce=True),
        "currencyCode": pa.Column(str, pa.Check.isin(CURRENCIES)),
        "debtor.type": pa.Column(str, pa.Check.isin(["Company", "Private"])),
        "debtor.name": pa.Column(str),
        "debtor.address": pa.Column(str),
        "debtor.city": pa.Column(str),
        "debtor.countryAlpha2": pa.Column(str, pa.Check.isin(COUNTRIES)),
        "debtor.email": pa.Column(str, pa.Check.str_matches(r"^[^@\s]+@[^@\s]+$"), nullable=True),
        "debtor.phone": pa.Column(str, pa.Check.str_startswith("+"), nullable=True),
        "claimDescription": pa.Column(str, pa.Check.str_length(max_value=4000), nullable=True),
    },
    checks=pa.Check(
        lambda frame: frame["dueDate"].isna() | (frame["dueDate"] >= frame["date"]), name="due before date"
    ),
)

source, failures = sys.argv[1:]
frame = pd.read_excel(source, dtype=str) if source.endswith("x") else pd.read_csv(source, dtype=str)
try:
    schema.validate(frame, lazy=True)
except pa.errors.SchemaErrors as error:
    error.failure_cases.to_csv(failures, index=False)
    print(len(error.failure_cases))
