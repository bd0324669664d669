"""SAP IDocs, flat and XML, and the grammars of their types."""
